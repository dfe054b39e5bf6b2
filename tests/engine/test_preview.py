"""What a plan says of real rows."""

import random
from pathlib import Path

import numpy as np
import pytest

from octo_core.catalog import Column
from octo_core.expressions import assign, parse
from octo_core.types import TEXT
from octo_resources.engines.duckdb import Preview
from octo_resources.engines.duckdb.distinct import Distinct, Repeats
from tests.engine.landed import VARIABLES, Land, schema

FIELDS = schema({"a": "int64", "b": "text"}, {"a": "number"})
LINES = [
    '{"a": 1, "b": "x"}',
    '{"a": 1, "b": null}',
    '{"a": "q", "b": "y"}',
    '{"a": 2, "b": "long"}',
    "broken",
    '{"b": "x"}',
]


def preview(land: Land) -> Preview:
    short = Column(name="b", type=TEXT, native="character varying(3)", max_length=3)
    nodes = {"a": parse("a", FIELDS), "b": assign(parse("b", FIELDS), short)}
    return land.engine.preview(land.inputs, FIELDS, nodes, VARIABLES, key=["a"], sample_rows=1, reasons=10)


def test_counts_reasons_samples_and_keys(land: Land) -> None:
    found = preview(land.add("\n".join(LINES)))
    assert (found.rows, found.refused, found.key_collisions) == (6, 3, 1)
    a, b = found.columns["a"], found.columns["b"]
    assert (a.nulls, a.distinct, a.failures, a.truncated) == (1, 1, 1, 0)
    assert (b.nulls, b.distinct, b.failures, b.truncated) == (1, 1, 1, 1)
    assert found.samples[0].before == {"a": "1", "b": "x"}
    assert found.samples[0].after == {"a": 1, "b": "x"}
    shown = {one.column: one for one in found.reasons}
    assert shown["a"].row == {"a": "q", "b": "y"}
    assert '"q"' in shown["a"].reason
    assert '"q"' not in shown["a"].kind
    assert (shown["b"].first_row, shown["b"].rows) == (4, 1)
    assert shown[None].payload == "broken"
    assert shown[None].row == {}


def test_a_preview_counts_as_a_load_does(land: Land) -> None:
    chance = random.Random(1)
    land.add("\n".join(chance.choice(LINES) for _ in range(3000)), compression="gzip")
    found, loaded = preview(land), land.evaluate(FIELDS)
    assert found.rows == loaded.scan.rows_read
    assert found.scan.missing == loaded.scan.missing
    assert found.columns["a"].failures == sum(one.column == "a" for one in loaded.refused)


def test_the_sql_of_a_plan_is_laid_out_and_holds_no_key(land: Land) -> None:
    sql = land.engine.sql(FIELDS, {"a": parse("a", FIELDS), "p": parse("pseudonym(b)", FIELDS)})
    assert sql.startswith("SELECT\n  ")
    assert 'FROM "source"' in sql
    assert VARIABLES.pseudonym_key is not None
    assert VARIABLES.pseudonym_key.hex() not in sql


def test_the_first_records_come_token_for_token(land: Land) -> None:
    land.add('{"z": [1.10], "a": 1.10}\nbroken\n').add('a,b\n7,"x\ny"\n', "csv", columns=("a", "b"))
    found = land.engine.records(land.inputs, FIELDS, 5)
    assert found == [{"a": "1.10", "z": "[1.10]"}, {"a": "7", "b": "x\ny"}]
    assert list(found[0]) == ["a", "z"]
    assert len(land.engine.records(land.inputs, FIELDS, 1)) == 1


def hashes(count: int) -> "np.typing.NDArray[np.uint64]":
    return np.random.default_rng(1).integers(0, 2**64, count, np.uint64, endpoint=False)


def test_many_distinct_values_are_estimated_within_a_percent() -> None:
    distinct = Distinct()
    for part in np.split(hashes(2_000_000), 20):
        distinct.add(part)
        distinct.add(part)
    assert not distinct.exact
    assert distinct.count == pytest.approx(2_000_000, rel=0.01)


def test_repeated_keys_are_counted_exactly(tmp_path: Path) -> None:
    repeats, values = Repeats(tmp_path), hashes(10_000)
    repeats.add(values)
    repeats.add(values[:70])
    assert repeats.count() == 70
