"""Results of a night's work from a spreadsheet: a row collects the sample, enters the result and tells it.

A row does what the three requests would do, with their schemas and commands; columns that are empty leave a step out.
The file names orders by their number and nobody by name: whose order it is, only the registry knows.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from services.drug_testing import commands
from services.drug_testing.access import visible_order, visible_to
from services.drug_testing.domain.order import TestOrder
from services.drug_testing.domain.transitions import State
from services.drug_testing.schemas import CollectionIn, ResultIn, TellingIn
from services.drug_testing.store import Work, import_tables, test_orders
from shared.importing import Change, Column, Importer, Kind, Row
from shared.kernel.errors import NotFound, invalid_field
from shared.web import Principal, Role

MOST_PREFILLED = 500  # orders
_COLLECTION, _RESULT, _TELLING_IN = CollectionIn(), ResultIn(), TellingIn()  # made once, not for each row
_SEXES = {"男": "male", "女": "female", "male": "male", "female": "female"}
_SAMPLES = {
    "尿液": "urine",
    "血液": "blood",
    "唾液": "saliva",
    "毛发": "hair",
    "urine": "urine",
    "blood": "blood",
    "saliva": "saliva",
    "hair": "hair",
}
_RESULTS = {"阳性": "positive", "阴性": "negative", "positive": "positive", "negative": "negative"}
COLUMNS = (
    Column(
        "order",
        "检测单号",
        "Order number",
        required=True,
        only_once=True,
        hint_zh="从检测页面或本模板复制",
        hint_en="copied from the tests page or this template",
    ),
    Column("sample_type", "样本类型", "Sample", Kind.CHOICE, choices=_SAMPLES),
    Column("collected_at", "采样时间", "Collected at", Kind.MOMENT),
    Column("collector_1", "采样人一", "Collector 1", hint_zh="警号", hint_en="officer's number"),
    Column("collector_1_sex", "采样人一性别", "Collector 1 sex", Kind.CHOICE, choices=_SEXES),
    Column("collector_2", "采样人二", "Collector 2", hint_zh="警号", hint_en="officer's number"),
    Column("collector_2_sex", "采样人二性别", "Collector 2 sex", Kind.CHOICE, choices=_SEXES),
    Column("declared_medicines", "自述用药", "Medicines named", Kind.LIST),
    Column("result", "结果", "Result", Kind.CHOICE, required=True, choices=_RESULTS),
    Column("resulted_at", "出结果时间", "Result at", Kind.MOMENT),
    Column("tester", "检测人", "Tester", required=True, hint_zh="警号", hint_en="officer's number"),
    Column("reagent_lot", "试剂批号", "Reagent lot", required=True),
    Column("substances", "检出物质", "Substances", Kind.LIST, hint_zh="阳性必填，如 MET、MOR", hint_en="of a positive"),
    Column("sample_a", "A样本编号", "Sample A", only_once=True, hint_zh="阳性必填", hint_en="of a positive"),
    Column("sample_b", "B样本编号", "Sample B", only_once=True, hint_zh="阳性必填", hint_en="of a positive"),
    Column("seal_signed", "封存签名", "Seal signed", Kind.YES_NO),
    Column("seal_note", "封存拒签说明", "Seal refusal note", Kind.WORDS),
    Column("told_at", "告知时间", "Told at", Kind.MOMENT),
    Column("signed", "告知签名", "Telling signed", Kind.YES_NO),
    Column("refusal_note", "告知拒签说明", "Telling refusal note", Kind.WORDS),
)
_COLLECTING = ("sample_type", "collected_at", "collector_1", "collector_2", "declared_medicines")
_SEALING = ("sample_a", "sample_b", "seal_signed", "seal_note")
_RESULTING = ("result", "resulted_at", "tester", "reagent_lot", "substances", *_SEALING)
_TELLING = ("told_at", "signed", "refusal_note")
_UNTOLD = (State.NEGATIVE, State.POSITIVE_SEALED)
_TO_RESULT = (State.ORDERED, State.FORCE_APPROVED, State.COLLECTED)


def apply_row(row: Row, principal: Principal, work: Work) -> Change:
    """Enter what a row says of one order. What was entered just so already is left alone.

    Raises: what `commands.collect_sample`, `commands.enter_result` and `commands.tell_result` raise; InvalidInput
    ``test_order.not_found``, also when it is somebody else's.
    """
    order = _order(row, principal, work)
    is_entered = _is_entered(order, row)
    if not is_entered:
        if row.only(*_COLLECTING):
            order = commands.collect_sample(order, _collection(row), work=work)
        result = _RESULT.load(row.only(*_RESULTING))
        result["substances"] = tuple(result["substances"])
        order = commands.enter_result(order, commands.EnterResult(**result), work=work)
    telling = row.only(*_TELLING)
    if telling and not (is_entered and order.state not in _UNTOLD):
        commands.tell_result(order, commands.Telling(**_TELLING_IN.load(telling)), work=work)
        return Change.CHANGED if is_entered else Change.ADDED
    return Change.NONE if is_entered else Change.ADDED


def prefetch(rows: Sequence[Row], work: Work) -> None:
    """Read the orders, persons and seals of some rows in one query each."""
    numbers = [number for row in rows if (number := _number(row)) is not None]
    work.test_orders.prefetch("id", numbers)
    found = [order for number in numbers if (order := work.test_orders.find(number))]
    work.persons.prefetch("person_id", [order.person_id for order in found])
    work.seals.prefetch("number", [seal for row in rows for seal in row.only("sample_a", "sample_b").values()])


def prefill(principal: Principal, work: Work) -> Iterable[Mapping[str, str]]:
    """The station's orders that wait for a result."""
    waiting = work.test_orders.select(
        *visible_to(principal),
        test_orders.c.state.in_(_TO_RESULT),
        order_by=test_orders.c.ordered_at,
        limit=MOST_PREFILLED,
    )
    return [{"order": str(order.id)} for order in waiting]


def _order(row: Row, principal: Principal, work: Work) -> TestOrder:
    number = _number(row)
    if number is None:
        raise invalid_field("/order", "test_order.malformed_number", "an order's number has 36 characters")
    try:
        return visible_order(number, principal, work)
    except NotFound as error:
        raise invalid_field("/order", "test_order.not_found", "your station has no such order") from error


def _number(row: Row) -> UUID | None:
    try:
        return UUID(row.values["order"])
    except ValueError:
        return None


def _is_entered(order: TestOrder, row: Row) -> bool:
    if order.result is None:
        return False
    said = row.values
    return (order.result.value, order.tester, order.reagent_lot, order.sample_a, order.sample_b) == (
        said["result"],
        said["tester"],
        said["reagent_lot"],
        said.get("sample_a"),
        said.get("sample_b"),
    )


def _collection(row: Row) -> commands.CollectSample:
    said = row.values
    collectors = [
        {"officer": said[key], "sex": said.get(f"{key}_sex", "")}
        for key in ("collector_1", "collector_2")
        if key in said
    ]
    body = row.only("sample_type", "collected_at", "declared_medicines") | {"collectors": collectors}
    loaded = _COLLECTION.load(body)
    loaded["collectors"] = tuple(loaded["collectors"])
    loaded["declared_medicines"] = tuple(loaded["declared_medicines"])
    return commands.CollectSample(**loaded)


RESULTS = Importer(
    kind="result",
    tables=import_tables,
    columns=COLUMNS,
    roles=(Role.STATION_OFFICER,),
    apply=apply_row,
    prefetch=prefetch,
    prefill=prefill,
    pointers={"collectors": "collector_1"},
    once=True,
)
