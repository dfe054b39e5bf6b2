"""Micro-batches by one session, with what it learned and planned: the same rows and counts as each by itself."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from octo_core.expressions import parse
from octo_resources.engines.duckdb import DuckEngine, Input
from octo_resources.engines.duckdb.remembered import Remembered
from tests.engine.landed import VARIABLES, Land, schema
from tests.engine.test_template import made_up

FIELDS = schema(
    {"id": "int64", "name": "text", "amount": "decimal(9,2)", "flag": "boolean", "note": "text"},
    {"id": "number", "amount": "number", "flag": "boolean"},
)
COLUMNS = {"id": "id", "name": "name", "amount": "amount", "load": "load_id()"}


def _counted(land: Land, text: str) -> Input:
    """A file of which it is known how many lines it has, as of what a stream lands."""
    one = land.add(text).inputs.pop()
    file = one.file.model_copy(update={"rows": text.count("\n")})
    return replace(one, file=file, batch=one.batch.model_copy(update={"files": (file,)}))


def _evaluated(engine: DuckEngine, one: Input, load_id: str, columns: dict[str, str]) -> tuple[Any, ...]:
    nodes = {name: parse(text, FIELDS) for name, text in columns.items()}
    scan = engine.scan()
    rows = engine.evaluate([one], FIELDS, nodes, replace(VARIABLES, load_id=load_id), scan).read_all().to_pylist()
    refused = sorted((found.row, found.column, found.reason) for found in scan.refused)
    return sorted(rows, key=lambda row: row["_row"]), refused, scan.missing, scan.new_fields, scan.contract_failures


def test_rows_and_counts_are_those_of_a_session_of_their_own(land: Land, tmp_path: Path) -> None:
    lines = list(made_up(random.Random(1), ", ", ": "))
    dense = list(made_up(random.Random(2), ",", ":"))
    changed = [json.dumps({"id": place, "name": "x", "amount": 1, "colour": "red"}) for place in range(300)]
    parts = [lines[:400], lines[400:403], dense[:300], changed, lines[403:1000], changed[:5], [], dense[300:900]]
    remembered = Remembered()
    held = DuckEngine(threads=2, temp=tmp_path / "held", remembered=remembered)
    alone = DuckEngine(threads=2, temp=tmp_path / "alone")
    without_load = {name: text for name, text in COLUMNS.items() if name != "load"}
    for columns in (without_load, COLUMNS):
        for place, part in enumerate(parts):
            one = _counted(land, "".join(line + "\n" for line in part))
            found = _evaluated(held, one, f"L{place}", columns)
            assert found == _evaluated(alone, one, f"L{place}", columns)
            if columns is COLUMNS:
                assert {row["load"] for row in found[0]} <= {f"L{place}"}
    remembered.close()


def test_a_session_is_left_only_where_its_work_came_to_its_end(land: Land, tmp_path: Path) -> None:
    remembered = Remembered()
    engine = DuckEngine(threads=1, temp=tmp_path / "held", remembered=remembered)
    one = _counted(land, '{"id": 1, "name": "a", "amount": 1, "flag": true, "note": null}\n' * 3)
    nodes = {"id": parse("id", FIELDS)}
    reader = engine.evaluate([one], FIELDS, nodes, VARIABLES, engine.scan())
    first = remembered.take((None, 1), VARIABLES, lambda: engine._session(VARIABLES, 60.0))
    assert reader.read_all().num_rows == 3
    left = remembered.take((None, 1), VARIABLES, lambda: first)
    assert left is not first
    left.close()
    first.close()
    one.path.unlink()
    found = _raised(engine, one)
    assert "cannot be read" in found
    assert remembered.take((None, 1), VARIABLES, lambda: left) is left, "what failed leaves no session"


def _raised(engine: DuckEngine, one: Input) -> str:
    try:
        engine.evaluate([one], FIELDS, {"id": parse("id", FIELDS)}, VARIABLES, engine.scan()).read_all()
    except Exception as error:  # noqa: BLE001 - whatever Arrow makes of it
        return str(error)
    return ""
