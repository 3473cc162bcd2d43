"""The fast path recognises only what marshmallow accepts, and loads it to the same values."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from shared.contracts.catalogue import CATALOGUE

SAMPLES = Path(__file__).parents[1] / "contract" / "samples"
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from(["2026-11-23", "2026-11-23T10:00:00", "2026-11-23T10:00:00+08:00", "430802", "planned", "true"]),
)


@pytest.mark.parametrize("event_type", CATALOGUE)
def test_what_is_plainly_right_is_loaded_as_marshmallow_does(event_type: str) -> None:
    data = json.loads((SAMPLES / f"{event_type}.json").read_text())["data"]
    contract = CATALOGUE[event_type]
    assert contract.fast_load(data) == contract.schema.load(data)


@given(st.sampled_from(sorted(CATALOGUE)), st.data(), ODD)
def test_what_is_odd_is_left_to_marshmallow_or_loaded_the_same(event_type: str, draw: Any, odd: Any) -> None:
    data = json.loads((SAMPLES / f"{event_type}.json").read_text())["data"]
    contract = CATALOGUE[event_type]
    data[draw.draw(st.sampled_from(sorted(data)))] = odd
    fast = contract.fast_load(data)
    try:
        slow = contract.schema.load(data)
    except ValidationError:
        assert fast is None
    else:
        assert fast is None or fast == slow
