"""What a database says in text becomes the value that it is, or stays text."""

from decimal import Decimal, localcontext
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from octo_resources.arrow_text import typed

NUMBERS = st.from_regex(r"[+-]?[0-9]{1,60}(\.[0-9]{0,50})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)


@example(text="340282366920938463463374607431768211455", digits=(38, 0))
@example(text="12345678901234567890123456789012345678", digits=(38, 37))
@example(text="0.340282366920938463463374607431768211455", digits=(38, 0))
@example(text="1e-39", digits=(38, 0))
@given(
    text=NUMBERS,
    digits=st.integers(1, 38).flatmap(lambda most: st.tuples(st.just(most), st.integers(0, most))),
)
def test_a_decimal_is_the_number_that_was_written_or_none(text: str, digits: tuple[int, int]) -> None:
    precision, scale = digits
    with localcontext(prec=300):
        number = Decimal(text)
        fits = abs(number) < Decimal(10) ** (precision - scale) and number % Decimal(1).scaleb(-scale) == 0
    wanted = pa.decimal128(precision, scale)
    found, lost = typed(pa.array(["0", text, None]), wanted)
    assert (found.to_pylist(), lost) == ([Decimal(0), number if fits else None, None], [] if fits else [1])
    found, lost = typed(pa.array([f"[0, {_as_json(text)}]"]), pa.list_(wanted))
    assert (found.to_pylist(), lost) == ([[Decimal(0), number]], []) if fits else ([None], [0])


def _as_json(text: str) -> str:
    return f'"{text}"'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0x1F", pa.int64()),
        ("0000-01-01", pa.date32()),
        ("0000-12-31 23:59:59", pa.timestamp("us")),
        ("0001-01-01 00:00:00+02", pa.timestamp("us", tz="UTC")),
        ("9999-12-31 23:00:00-02", pa.timestamp("us", tz="UTC")),
        ("24:00:00", pa.time64("us")),
        ("1_0", pa.decimal128(10, 2)),
        ("NaN", pa.decimal128(10, 2)),
    ],
)
def test_what_only_looks_like_a_value_is_none(text: str, wanted: Any) -> None:
    assert typed(pa.array([text]), wanted) == (pa.array([None], wanted), [0])
    assert typed(pa.array([f'["{text}"]']), pa.list_(wanted))[1] == [0]
