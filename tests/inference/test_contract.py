"""The generated models take every row that a load takes, and refuse every row that it sets aside for the contract.

Schemas and rows are made up: columns in many types and formats through the engine's own profile, then rows of which
some values are of other columns, odd or missing, through the engine's own evaluation.
"""

import json
import re
import sys
import tempfile
import types
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from octo_core.batch import LandedFile
from octo_core.expressions import parse, path_text
from octo_core.holding import Contract
from octo_core.inference.overrides import override
from octo_core.plan.judged import Judged, TableReads, judged
from octo_core.schema import Field, SourceSchema
from octo_core.spec.sources import FileSource
from octo_core.types import DataType
from octo_resources.codegen import class_name, pydantic_source
from octo_resources.engines.duckdb.profile import profile_batches, typed_schema
from octo_resources.files import infer_file
from octo_resources.sampling import rows_of
from tests.engine.landed import Land

COLUMNS: dict[str, Callable[[int], Any]] = {
    "small": lambda n: n - 20,
    "large": lambda n: n * 3_000_000_000,
    "text_number": lambda n: str(n),
    "fraction": lambda n: n / 4,
    "price": lambda n: f"{n}.234,{n % 90 + 10}",
    "dollars": lambda n: f"(${n},234.50)" if n % 3 else f"${n}.25",
    "share": lambda n: f"{n}.5%",
    "science": lambda n: f"{n}.5e3",
    "ok": lambda n: n % 2 == 0,
    "yes": lambda n: "YN"[n % 2],
    "day": lambda n: f"{n % 28 + 1:02}/0{n % 9 + 1}/2021",
    "loose": lambda n: f"{n % 28 + 1}.{n % 12 + 1}.{n % 30 + 10}",
    "clock": lambda n: f"{n % 12 + 1}:{n % 60:02} PM",
    "moment": lambda n: f"2021-01-{n % 28 + 1:02}T10:00:{n % 60:02}Z",
    "nanos": lambda n: f"2021-01-{n % 28 + 1:02} 10:00:00.1234567{n % 9 + 1}9",
    "log": lambda n: f"{n % 28 + 1:02}/Oct/2021:10:00:00 -0700",
    "created_at": lambda n: 1_600_000_000 + n,
    "seen_ts": lambda n: f"{1_600_000_000_000 + n}",
    "uid": lambda n: f"123e4567-e89b-12d3-a456-4266141740{n % 90 + 10}",
    "lasted": lambda n: f"PT{n}M",
    "code": lambda n: f"{n:05}",
    "word": lambda n: ["new", "paid", "sent"][n % 3],
    "with_na": lambda n: "NA" if n % 7 == 0 else str(n),
    "tags": lambda n: ["a", "b"][: n % 3],
    "numbers": lambda n: [n, n + 1],
    "date": lambda n: f"2021-02-{n % 28 + 1:02}",
    "who": lambda n: {"name": f"n{n}", "born": f"{n % 28 + 1:02}-Jan-1990", "at": {"x": n, "int": str(n)}},
    "points": lambda n: [{"x": n}],
    "any": lambda n: {"a": n} if n % 2 else [n],
    "na me": lambda n: f"{n} x",
}
ODD = [
    None, "", " ", "x", "NA", "null", "0", "1", "-1", " 7 ", "1.5", "1e3", "1e99", "99999999999999999999", "true", "Y",
    "n", "2021-02-30", "31/02/2021", "25:00 PM", "13:00 PM", "2021-01-01T10:00:00Z", "10/Oct/2021:10:00:00", "$5",
    "(1)", "1.5%", "PT", "12,5", 0, 7, -3, 2**40, 1.5, 0.1, 1e30, True, False, [], ["a"], [1], ["1"], ["x", 1],
    [None, "null"], [1.5], [[1]], [{"x": "y"}], {}, {"name": 5}, {"name": {"a": 1}}, {"at": 1}, {"at": {"x": "q"}},
    {"at": {"int": []}}, {"born": "31-Feb-1990"}, {"born": None, "at": None}, "[1, 2]", "{\"a\": 1}", "é😀",
]  # fmt: skip


def _leaves(fields: tuple[Field, ...], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for field in fields:
        here = (*above, field.name)
        found += _leaves(field.children, here) if field.type.kind == "record" and field.children else [here]
    return found


def _model(
    schema: SourceSchema, *, delimited: bool = False, judged: Judged | None = None, name: str | None = None
) -> type[BaseModel]:
    module = types.ModuleType("generated")
    text = pydantic_source(schema, delimited=delimited, judged=judged)
    exec(compile(text, "generated.py", "exec"), module.__dict__)
    found = getattr(module, name or class_name(schema.source))
    assert issubclass(found, BaseModel)
    found.model_rebuild(_types_namespace=module.__dict__)
    return found


def _accepts(model: type[BaseModel], row: dict[str, Any]) -> bool:
    try:
        model.model_validate(row)
    except ValidationError:
        return False
    return True


def _lines(rows: list[dict[str, Any]]) -> str:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return text.encode("utf-8", "backslashreplace").decode()  # half a character is there as its escape


def _schema(folder: Path, rows: list[dict[str, Any]]) -> SourceSchema:
    land = Land(folder)
    land.add(_lines(rows))
    with duckdb.connect() as connection:
        profiles, counts = profile_batches(connection, [land.inputs[0].batch])
    return typed_schema(profiles, counts, FileSource.model_validate({"kind": "file", "path": "x"}), "things")


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # an example takes half a second, and shrinking one takes hundreds
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(data=st.data())
def test_models_take_what_loads_take_and_refuse_what_they_set_aside(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=4, max_size=14, unique=True))
    good = [{name: COLUMNS[name](n) for name in names} for n in range(1, 60)]
    changed = st.tuples(
        st.sampled_from(good),
        st.dictionaries(st.sampled_from([*names, "new"]), st.sampled_from([*ODD, *good[7].values()]), max_size=2),
        st.sets(st.sampled_from(names), max_size=2),
    )
    drawn = data.draw(st.lists(changed, min_size=30, max_size=60))
    rows = [{k: v for k, v in {**row, **odd}.items() if k not in gone} for row, odd, gone in drawn]
    rows = [row for row in rows if row]
    with tempfile.TemporaryDirectory() as folder:
        schema = _schema(Path(folder), good)
        mapping = {f"c{place}": path_text(path) for place, path in enumerate(_leaves(schema.fields))}
        land = Land(Path(folder) / "more")
        land.folder.mkdir()
        land.add(_lines(rows))
        outcome = land.evaluate(schema, mapping)
    loaded = {row["_row"] & 0xFFFFFFFF for row in outcome.rows}
    model = _model(schema)
    reasons = {one.row & 0xFFFFFFFF: one.reason for one in outcome.refused}
    for place, row in enumerate(rows, 1):
        assert _accepts(model, row) == (place in loaded), (row, reasons.get(place))


FORMS: dict[str, str] = {
    "by its type": "{0}",
    "as text": "cast({0} as text)",
    "asked of all": "case when {0} is null then 1 else 2 end",
    "wider": "coalesce({0}, 0.125)",
    "of some": "case when {1} is null then {0} end",
    "after another": "{1} is null and {0} is null",
}
CONDITIONAL = ("of some", "after another")


def _mapping(data: st.DataObject, schema: SourceSchema) -> dict[str, str]:
    """Expressions of some fields, by how they read them; conditional ones have that in their column's name."""
    found: dict[str, str] = {}
    leaves = _leaves(schema.fields)
    tops = [(field.name,) for field in schema.fields if field.type.kind == "record"]
    for place, path in enumerate([*leaves, *tops]):
        text, other = path_text(path), path_text(data.draw(st.sampled_from(leaves)))
        kind = parse(text, schema).type
        forms = {name: form for name, form in FORMS.items() if name != "wider" or kind.is_numeric}
        how = data.draw(st.sampled_from(["left out", *forms] if path in leaves else ["left out", "as text", "whole"]))
        if how == "whole":
            found[f"c{place} whole"] = f"cast({text} as json)"
        elif how != "left out" and not (how == "as text" and kind.kind in ("interval", "bytes")):
            found[f"c{place} {how}"] = forms[how].format(text, other)
    return found or {"c by its type": path_text(leaves[0])}


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(data=st.data())
def test_models_of_a_plan_take_what_it_loads_and_refuse_what_it_sets_aside(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=4, max_size=10, unique=True))
    good = [{name: COLUMNS[name](n) for name in names} for n in range(1, 60)]
    odd = st.dictionaries(st.sampled_from(names), st.sampled_from([*ODD, "a\0", *good[7].values()]), max_size=2)
    drawn = data.draw(st.lists(st.tuples(st.sampled_from(good), odd), min_size=30, max_size=60))
    rows = [{**row, **more} for row, more in drawn]
    with tempfile.TemporaryDirectory() as folder:
        schema = _schema(Path(folder), good)
        mapping = _mapping(data, schema)
        land = Land(Path(folder) / "more")
        land.folder.mkdir()
        land.add(_lines(rows))
        outcome = land.evaluate(schema, mapping)
    model = _model(schema, judged=_judged(schema, mapping))
    refused = {one.row & 0xFFFFFFFF: one for one in outcome.refused}
    for place, row in enumerate(rows, 1):
        taken, why = _accepts(model, row), refused.get(place)
        if why is None:
            assert taken, (row, mapping)
        elif not (why.column or "").endswith(CONDITIONAL):
            assert not taken, (row, why, mapping)


def _judged(schema: SourceSchema, mapping: dict[str, str]) -> Judged:
    nodes = tuple(parse(text, schema) for text in mapping.values())
    return judged([TableReads(schema.source, schema, nodes)], {schema.source: schema})[schema.source]


STRUCTURES = {"who": "cast(who as json)", "points": "cast(points as json)", "tags": "cast(tags as json)", "any": "any"}
ELSEWHERE = [
    [], {}, "x", "", 1, True, None, [{"x": 1}], {"name": "y"}, {"other": 1}, ["a"], '["a"]', '[{"x": 1}]', "[x", "{x",
    "[1,]", "[NaN]", "[1] 2", " [1]",
    "a\0", {"name": "a\0"}, [{"x": "\ud800"}], {"\ud800": 1}, '["\\u0000"]', [["a\0"]],
]  # fmt: skip


@pytest.mark.parametrize("name", STRUCTURES)
def test_models_take_what_is_loaded_whole_into_json_and_refuse_another_structure(name: str, tmp_path: Path) -> None:
    good = [{key: COLUMNS[key](n) for key in STRUCTURES} for n in range(1, 60)]
    schema = _schema(tmp_path, good)
    rows = [{**good[0], name: odd} for odd in _elsewhere(name)]
    land = Land(tmp_path / "more")
    land.folder.mkdir()
    land.add(_lines(rows))
    outcome = land.evaluate(schema, {"c": STRUCTURES[name]})
    loaded = {row["_row"] & 0xFFFFFFFF for row in outcome.rows}
    model, contract = _model(schema), Contract(schema)
    for place, row in enumerate(rows, 1):
        assert _accepts(model, row) == (place in loaded) == (not list(contract.misfits(row))), row
    held = [row[name] for row in rows if not re.search("ud800|u0000", json.dumps(row[name]))]
    wanted = [row[name] for row in rows if row[name] == '["\\u0000"]'] if name == "any" else []
    assert len(loaded) == len(wanted) + sum(name == "any" or _shape(one, name) for one in held)


def _elsewhere(name: str) -> list[Any]:
    """Of lists of scalars without what only one of a cast to JSON and a list of texts takes.

    Of records without a key that the schema has not: only a load that takes the record whole judges it.
    """
    if name == "who":
        return [odd for odd in ELSEWHERE if odd != {"\ud800": 1}]
    return [odd for odd in ELSEWHERE if name != "tags" or odd not in ([{"x": 1}], '[{"x": 1}]', " [1]")]


def _shape(value: object, name: str) -> bool:
    if isinstance(value, str) and name != "who":
        return value in ('["a"]', '[{"x": 1}]')
    return value is None or isinstance(value, dict if name == "who" else list)


@pytest.mark.parametrize("name", STRUCTURES)
def test_models_agree_where_a_few_values_had_another_structure(name: str, tmp_path: Path) -> None:
    good = [{key: COLUMNS[key](n) for key in STRUCTURES} for n in range(1, 100)]
    schema = _schema(tmp_path, [*good, {**good[0], "who": "x", "points": {}, "tags": 5}])
    rows = [{**good[0], name: odd} for odd in _elsewhere(name) if name != "tags" or odd != '["a"]']
    land = Land(tmp_path / "more")
    land.folder.mkdir()
    land.add(_lines(rows))
    loaded = {row["_row"] & 0xFFFFFFFF for row in land.evaluate(schema, {"c": STRUCTURES[name]}).rows}
    model, contract = _model(schema), Contract(schema)
    for place, row in enumerate(rows, 1):
        assert _accepts(model, row) == (place in loaded) == (not list(contract.misfits(row))), row


@pytest.mark.parametrize(
    ("elements", "odd", "expression"),
    [
        (["a", "b"], [["a", ["b"]], [{"a": 1}], '["a", ["b"]]', ["a\0"]], '"a"'),
        ([1.5, 2], [["\t7"], [" 7"], ["7\n"], "[1.5]", ["1e5"]], '"a"'),
        (["x", {"b": 1}, [2]], [["2 x"], "[", [], {}, True, ["a\0"], "[1]"], 'cast("a" as json)'),
    ],
)
def test_models_and_contracts_read_lists_as_loads_do(
    elements: list[Any], odd: list[Any], expression: str, tmp_path: Path
) -> None:
    schema = _schema(tmp_path, [{"a": elements[: n % 4]} for n in range(1, 60)])
    rows = [{"a": one} for one in odd]
    land = Land(tmp_path / "more")
    land.folder.mkdir()
    land.add(_lines(rows))
    loaded = {row["_row"] & 0xFFFFFFFF for row in land.evaluate(schema, {"c": expression}).rows}
    model, contract = _model(schema), Contract(schema)
    for place, row in enumerate(rows, 1):
        assert _accepts(model, row) == (place in loaded) == (not list(contract.misfits(row))), (row, schema)


def test_a_field_that_the_file_says_is_json_may_be_any(tmp_path: Path) -> None:
    schema = _schema(tmp_path, [{"who": {"name": "x"}, "points": [{"x": 1}]}] * 20)
    told = override(schema.fields, {"who": {"type": "json"}, "points": {"type": "json"}}, "things")
    schema = schema.model_copy(update={"fields": told})
    rows: list[dict[str, Any]] = [{"who": [], "points": {}}, {"who": "x", "points": 1}, {"who": {"a": 1}, "points": []}]
    land = Land(tmp_path / "more")
    land.folder.mkdir()
    land.add(_lines(rows))
    outcome = land.evaluate(schema, {"w": "who", "p": "points"})
    assert outcome.column("w") == ["[]", '"x"', '{"a": 1}']
    assert all(_accepts(_model(schema), row) for row in rows)


def test_models_of_csv_take_empty_cells_as_loads_do() -> None:
    header = ["id", "day", "price", "word", "extra"]
    good = [[str(n), f"{n + 10}/01/2021", f"{n}.234,50", "x", "{}"] for n in range(1, 20)]
    cells = [
        ["1", "", "", "", ""], ["", "13/01/2021", "2,5", "y", "{}"], ["x", "", "", "", ""],
        ["1", "13/13/2021", "", "", ""],
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        columns: dict[str, Any] = {"form": "csv", "columns": header}
        land = Land(Path(folder)).add(
            "\n".join([";".join(header), *map(";".join, good)]) + "\n", delimiter=";", **columns
        )
        with duckdb.connect() as connection:
            profiles, counts = profile_batches(connection, [land.inputs[0].batch])
        schema = typed_schema(profiles, counts, FileSource.model_validate({"kind": "file", "path": "x"}), "things")
        more = Land(Path(folder) / "more")
        more.folder.mkdir()
        more.add("\n".join([";".join(header), *map(";".join, cells)]) + "\n", delimiter=";", **columns)
        outcome = more.evaluate(schema)
    model = _model(schema, delimited=True)
    taken = [_accepts(model, dict(zip(header, row, strict=True))) for row in cells]
    assert taken == [True, True, False, False]
    assert len(outcome.rows) == 2
    assert [one.column for one in outcome.refused] == ["id", "day"]


TYPED = pa.schema([
    ("i", pa.int64()), ("f", pa.float32()), ("d", pa.decimal128(10, 3)), ("t", pa.timestamp("us")),
    ("z", pa.timestamp("us", "UTC")), ("day", pa.date32()), ("c", pa.time64("us")), ("ok", pa.bool_()),
    ("b", pa.binary()), ("took", pa.duration("ms")), ("l", pa.list_(pa.date32())),
    ("r", pa.struct([("a", pa.int8()), ("b", pa.list_(pa.struct([("q", pa.string())])))])),
])  # fmt: skip


def test_models_of_parquet_take_its_rows_and_what_they_give_themselves(tmp_path: Path) -> None:
    day, moment = date(2021, 1, 2), datetime(2021, 1, 2, 3, tzinfo=UTC)
    row = {
        "i": 7, "f": 0.5, "d": Decimal("1.250"), "t": moment.replace(tzinfo=None), "z": moment, "day": day,
        "c": time(3, 4), "ok": True, "b": b"x", "took": timedelta(seconds=2), "l": [day, None],
        "r": {"a": 1, "b": [{"q": "x"}]},
    }  # fmt: skip
    path = tmp_path / "things.parquet"
    pq.write_table(pa.Table.from_pylist([row, dict.fromkeys(row)], TYPED), path)
    model = _model(infer_file(path))
    file = LandedFile(path=path.name, format="parquet", bytes=0, sha256="")
    full, empty = (model.model_validate(one) for one in rows_of(path, file))
    assert full.model_dump() == {**row, "took": 2000}
    assert model.model_validate(full.model_dump()) == full
    assert set(empty.model_dump().values()) == {None}
    for wrong in ({"i": 2**63}, {"z": moment.replace(tzinfo=None)}, {"day": moment}, {"l": [7]}, {"r": {"a": 300}}):
        assert not _accepts(model, {**row, "took": 0, **wrong}), wrong


def test_names_that_python_reads_as_others_keep_their_values() -> None:
    names = ("fi", "\ufb01", "", "model_dump", "class", "x y")
    fields = tuple(Field(name=name, type=DataType("int32")) for name in names)
    module = types.ModuleType("odd_names")
    sys.modules[module.__name__] = module  # Pydantic looks annotations up there
    exec(pydantic_source(SourceSchema(source="odd", fields=fields)), module.__dict__)
    told = {name: number for number, name in enumerate(names)}
    assert module.Odd.model_validate(told).model_dump(by_alias=True) == told


def test_models_show_values_beyond_the_first_plane_as_they_are(tmp_path: Path) -> None:
    schema = _schema(tmp_path, [{"mood": "😀" if n % 2 else "😡", "n": "🚫" if n % 9 == 0 else n} for n in range(60)])
    text = pydantic_source(schema)
    assert "😀" in text
    assert _accepts(_model(schema), {"mood": "😀", "n": 1})
