"""Drift at its limits, what policies make of it, and the sentences that say what changed."""

import pytest

from octo_core.drift import Drift, FieldCounts, apply, compare, detect
from octo_core.inference import infer_rows
from octo_core.schema import Field, FieldStats, SourceSchema
from octo_core.spec.pipeline import DriftPolicy
from octo_core.types import TEXT


def schema(*records: dict[str, object], key: tuple[str, ...] = ()) -> SourceSchema:
    return SourceSchema(source="flights", fields=infer_rows(records), key=key)


CONTRACT = schema({"arr_time": "10:00", "note": "x"}, {"arr_time": "11:30", "note": "y"})


def seen(failures: int, rows: int = 1000, missing: int = 0) -> Drift:
    counts = {"arr_time": FieldCounts(rows, missing, failures), "note": FieldCounts(rows)}
    return detect(CONTRACT, counts, {}, rows)


@pytest.mark.parametrize(
    ("failures", "rows", "drifted"),
    [(50, 1000, False), (51, 1000, True), (99, 99, False), (6, 100, True), (5, 100, False)],
)
def test_a_contract_fails_in_more_than_five_percent_of_at_least_a_hundred_rows(
    failures: int, rows: int, drifted: bool
) -> None:
    drift = seen(failures, rows)
    assert bool(drift.changed) is drifted
    assert bool(drift.warnings) is not drifted


@pytest.mark.parametrize(("rows", "drifted"), [(10, False), (11, True), (1000, True)])
def test_a_field_is_new_or_missing_in_more_than_one_percent(rows: int, drifted: bool) -> None:
    assert bool(detect(CONTRACT, {}, {"gate": rows}, 1000).new) is drifted
    assert bool(seen(0, missing=rows).missing) is drifted


def test_an_optional_field_that_is_left_out_as_often_as_before_is_no_drift() -> None:
    optional = schema(*[{"a": 1, "b": 2}] * 5, *[{"a": 1}] * 5)
    assert not detect(optional, {"b": FieldCounts(1000, missing=500)}, {}, 1000).drifted
    assert detect(optional, {"b": FieldCounts(1000, missing=900)}, {}, 1000).missing


@pytest.mark.parametrize(
    ("before", "now", "drifted"),
    [
        ((7, 11), (5, 5), False),  # five items, none of which has the key that a third had
        ((500, 1000), (540, 1000), False),
        ((100_000, 200_000), (520, 1000), False),  # a window of a stream
        ((100_000, 200_000), (51_500, 100_000), True),
        ((900, 1000), (1000, 1000), True),
        ((0, 11), (1, 5), True),  # a key that was always there
        ((11, 11), (5, 5), False),
    ],
)
def test_chance_alone_is_no_drift_of_an_optional_field(
    before: tuple[int, int], now: tuple[int, int], drifted: bool
) -> None:
    stats = FieldStats(rows=before[1], missing=before[0])
    contract = SourceSchema(source="s", fields=(Field(name="b", type=TEXT, stats=stats),))
    found = detect(contract, {"b": FieldCounts(now[1], missing=now[0])}, {}, now[1])
    assert found.drifted is drifted
    assert [entry.rows for entry in found.missing] == ([now[0]] if drifted else [])
    assert not found.warnings


def test_messages_name_the_new_type_where_it_is_known() -> None:
    now = schema(*[{"arr_time": "late", "note": "x", "gate": 7}] * 2)
    drift = detect(CONTRACT, {"arr_time": FieldCounts(1000, 0, 600)}, {"gate": 1000}, 1000, now=now)
    assert drift.messages == (
        "source field arr_time changed from time to text",
        "source field gate is new: integer, in all 1,000 rows",
    )
    assert seen(600).messages == ("source field arr_time is no longer time: 600 of 1,000 rows (60.0 %) fail",)


def test_the_strictest_policy_wins() -> None:
    drift = detect(CONTRACT, {"arr_time": FieldCounts(1000, 0, 600)}, {"gate": 1000}, 1000)
    assert apply(DriftPolicy(), drift).action == "ask"
    assert apply(DriftPolicy(type_change="stop"), drift).messages == (drift.changed[0].message,)
    assert apply(DriftPolicy(type_change="ignore", new_field="ignore"), drift).action == "ignore"
    assert apply(DriftPolicy(), detect(CONTRACT, {}, {}, 1000)).action == "ignore"
    assert apply(DriftPolicy(), seen(0, missing=900)).action == "stop"


def test_what_changed_between_two_schemas() -> None:
    old = schema({"id": 1, "at": "2020-01-31", "who": {"name": "a", "age": 3}, "old": 1}, key=("id",))
    new = schema(
        {"id": 70000000000, "at": "31/01/2020", "who": {"name": 5, "sex": "f"}, "fresh": "x"}, key=("id", "at")
    )
    assert compare(old, new) == (
        "source field at changed its format from %Y-%m-%d to %d/%m/%Y",
        "source field who.name changed from text to integer",
        "source field who.age is gone",
        "source field who.sex is new: text",
        "source field old is gone",
        "source field fresh is new: text",
        "the key of flights changed from (id) to (id, at)",
    )
    assert compare(old, old) == ()
