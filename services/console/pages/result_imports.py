"""Results of a night's work from a spreadsheet: a station's."""

from flask_babel import lazy_gettext as _l

from services.console.pages.imports import Kind, import_pages
from shared.web.principal import Role

KIND = Kind(
    "result_imports",
    "drug_testing",
    "/result-imports",
    (Role.STATION_OFFICER,),
    _l("导入检测结果"),
    _l("已填待检单号"),
    "tests.index",
    _l("检测"),
)
bp = import_pages(KIND, "/imports/results")
