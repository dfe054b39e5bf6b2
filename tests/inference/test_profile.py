"""Profiles merge: any way to cut and order the rows gives the same profile, and so the same field."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octo_core.inference import decide, infer_column, merge
from octo_core.inference.observe import profile_records, profile_values
from octo_core.inference.profile import MAX_MASKS, mask
from octo_core.inference.sketch import SIZE, Sketch, marks, shared, sketch_of

TOKENS = st.one_of(
    st.none(),
    st.sampled_from(
        ["1", "00501", "1.5", "1.234,5", "NA", "", "true", "no", "01/02/2020", "13/02/2020", "10:00", "x y"]
    ),
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(-1000, 1000, places=3).map(str),
    st.dates().map(str),
    st.text(max_size=8),
)
SCALARS = st.one_of(
    TOKENS, st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False, width=16)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(VALUES, max_size=12), st.lists(VALUES, max_size=12), st.lists(VALUES, max_size=12))
def test_merging_is_associative_and_commutative_and_equals_the_profile_of_all(a: list, b: list, c: list) -> None:
    one, two, three = profile_values(a), profile_values(b), profile_values(c)
    whole = profile_values([*a, *b, *c])
    assert merge(merge(one, two), three) == whole
    assert merge(one, merge(two, three)) == whole
    assert merge(two, one) == merge(one, two)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(VALUES, max_size=15), st.lists(VALUES, max_size=15), st.sampled_from(["x", "created_at", "is_x", "zip"])
)
def test_the_field_of_a_merge_is_the_field_of_all(a: list, b: list, name: str) -> None:
    assert decide(merge(profile_values(a), profile_values(b)), name) == decide(profile_values([*a, *b]), name)


def test_a_sketch_past_its_size_still_merges_exactly_and_estimates_well() -> None:
    values = [f"value {number}" for number in range(5000)] + ["again"] * 7
    cut = merge(profile_values(values[:1700]), profile_values(values[1700:]))
    assert cut == profile_values(values)
    assert len(cut.sketch.entries) == SIZE
    assert 4500 < cut.distinct < 5500
    assert not cut.distinct_exact


def test_the_profile_is_bounded() -> None:
    # Words over an alphabet of two masks a letter: thousands of masks.
    words = ["".join("aB"[number >> bit & 1] for bit in range(12)) for number in range(4096)]
    assert len(profile_values(words).masks) == MAX_MASKS
    assert profile_values([{str(number): 1} for number in range(2000)]).children is None
    deep: object = 1
    for _ in range(50):
        deep = {"a": deep}
    assert decide(profile_values([deep]), "x").type.kind == "record"


def test_missing_keys_and_nulls_are_told_apart() -> None:
    children = profile_records([{"a": 1}, {"a": None}, {"b": 2}]).children or {}
    assert (children["a"].missing, children["a"].nulls, children["a"].rows) == (1, 1, 3)
    assert (children["b"].missing, children["b"].nulls) == (2, 0)


def test_masks() -> None:
    assert [mask(text) for text in ("N14228", "ab-12 Éa", "a" * 30, "")] == ["A99999", "aa-99 Aa", "aa+", ""]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(2**62), 2**62), min_size=1))
def test_integers_come_back(numbers: list[int]) -> None:
    assert infer_column([str(number) for number in numbers], "n").type.family in ("integer", "decimal")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dates(date(1900, 1, 1), date(2099, 1, 1)), min_size=1),
    st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%d %B %Y"]),
)
def test_dates_come_back(days: list[date], layout: str) -> None:
    # A thirteenth settles what is day and what is month.
    field = infer_column([day.strftime(layout) for day in [*days, date(2020, 1, 13)]], "d")
    assert (str(field.type), field.format) == ("date", layout)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.timedeltas(timedelta(0), timedelta(days=20000)), min_size=1))
def test_instants_come_back(offsets: list[timedelta]) -> None:
    from datetime import UTC, datetime

    moments = [(datetime(1980, 1, 1, tzinfo=UTC) + offset).isoformat() for offset in offsets]
    assert str(infer_column(moments, "at").type) == "timestamptz"


@pytest.mark.parametrize(("mine", "theirs"), [(5, 60), (60, 900), (900, 1000), (3000, 5000)])
def test_marks_tell_whether_the_values_of_one_field_are_among_anothers(mine: int, theirs: int) -> None:
    theirs_all = [f"V9{number:06}" for number in range(theirs)]
    among, beside = theirs_all[::-1][:mine], [f"W{number:06}" for number in range(mine)]
    right = marks(sketch_of(dict.fromkeys(theirs_all, 1)))
    inside, told = shared(marks(sketch_of(dict.fromkeys(among, 3))), right) or (0, 0)
    assert inside == told
    assert told <= mine
    assert told > 3 or mine < 10
    assert (shared(marks(sketch_of(dict.fromkeys(beside, 3))), right) or (1, 1))[0] == 0
    assert len(right) < 800


def test_marks_by_another_hash_tell_nothing() -> None:
    texts = {f"V{number}": 1 for number in range(9)}
    other = Sketch({number: (f"V{number}", 1) for number in range(9)}, hashed_by="duckdb")
    assert shared(marks(sketch_of(texts)), marks(other)) is None
