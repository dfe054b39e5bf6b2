"""What models judge where there is a plan: only what its tables read of the records, by type and on every row."""

import sys
import types
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from octo_core.expressions import parse
from octo_core.expressions.readings import always_read
from octo_core.plan.judged import TableReads, judged
from octo_core.relations import join_schema
from octo_core.schema import Field, SourceSchema
from octo_core.spec.shapes import EachFrom, Shape, shape_of
from octo_core.types import DataType, parse_type
from octo_core.unions import union_schema
from octo_resources.codegen import pydantic_source
from tests.engine.landed import schema as flat

FLAT = flat({"a": "int32", "b": "date", "c": "text", "f": "float64"})
RENTAL = (Field(name="length_cm", type=DataType("int32"), carrier="number"),)
_RECORD = DataType("record", fields=(("length_cm", DataType("int32")),))
BOOKINGS = SourceSchema(
    source="bookings",
    fields=(
        Field(name="total", type=parse_type("decimal(18,2)"), carrier="number"),
        Field(
            name="rentals", type=DataType("list", element=_RECORD), carrier="array",
            children=(Field(name="[]", type=_RECORD, carrier="object", children=RENTAL),),
        ),
    ),
)  # fmt: skip
ELEMENTS = SourceSchema(source="bookings.rentals", fields=RENTAL)
EACH = EachFrom(source="bookings", each="rentals")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a", {"a": "int32"}),
        ("cast(a as text)", {"a": "text"}),
        ("coalesce(a, 0.5)", {"a": "decimal(11,1)"}),
        ("coalesce(c, cast(b as text))", {"c": "text"}),
        ("case when c = 'x' then a else length(cast(b as text)) end", {"c": "text"}),
        ("case when a > 1 then b else b end", {"a": "int32", "b": "date"}),
        ("a is null and b is null", {"a": "int32"}),
        ("cast(cast(f as text) as decimal(9,2))", {"f": "float64"}),
        ("cast(cast(a as text) as decimal(9,2))", {"a": "decimal(9,2)"}),
    ],
)
def test_what_an_expression_reads_on_every_row(text: str, read: dict[str, str]) -> None:
    found = always_read(parse(text, FLAT))
    assert {path.name: " ".join(map(str, kinds)) for path, kinds in found.items()} == read


def _models(source: SourceSchema, *tables: tuple[Shape, SourceSchema, str], others: Any = ()) -> types.ModuleType:
    reads = [TableReads(origin, schema, (parse(text, schema),)) for origin, schema, text in tables]
    found = judged(reads, {one.source: one for one in (source, *others)})[source.source]
    module = types.ModuleType("judged")
    sys.modules[module.__name__] = module  # Pydantic looks annotations up there
    exec(compile(pydantic_source(source, judged=found), "judged.py", "exec"), module.__dict__)
    return module


def _takes(model: type[BaseModel], row: dict[str, Any]) -> bool:
    try:
        model.model_validate(row)
    except ValidationError:
        return False
    return True


def test_a_list_has_to_be_one_where_only_its_elements_are_loaded() -> None:
    models = _models(BOOKINGS, (EACH, ELEMENTS, "length_cm"))
    assert not _takes(models.Bookings, {"rentals": "none"})
    assert _takes(models.Bookings, {"rentals": [{"length_cm": "tall"}, {"length_cm": 170}], "total": "free"})
    assert not _takes(models.Rental, {"length_cm": "tall"})
    for long in (170, "170"):
        assert models.Bookings.model_validate({"rentals": [{"length_cm": long}]}).rentals[0].length_cm == 170


def test_a_record_that_feeds_a_table_itself_is_taken_whatever_its_list_is() -> None:
    models = _models(BOOKINGS, (EACH, ELEMENTS, "length_cm"), ("bookings", BOOKINGS, "total"))
    assert _takes(models.Bookings, {"rentals": "none", "total": 1})
    assert not _takes(models.Bookings, {"rentals": [], "total": "free"})
    assert not _takes(models.Rental, {"length_cm": "tall"})


def test_fields_of_the_record_that_elements_take_along_are_judged() -> None:
    parent = Field(name="parent", type=DataType("record"), carrier="object", children=BOOKINGS.fields[:1])
    elements = ELEMENTS.model_copy(update={"fields": (*RENTAL, parent)})
    models = _models(BOOKINGS, (EACH, elements, "parent.total"))
    assert not _takes(models.Bookings, {"rentals": [], "total": "free"})
    assert _takes(models.Rental, {"length_cm": "tall"})


def test_a_union_takes_what_the_type_of_both_takes() -> None:
    left, right = flat({"n": "int32", "d": "date"}), flat({"n": "decimal(9,2)", "d": "int32"})
    sources = [left.model_copy(update={"source": "x"}), right.model_copy(update={"source": "y"})]
    union = union_schema("x + y", sources)
    tables = [(shape_of({"union": ["x", "y"]}), union, text) for text in ("n", "d")]
    model = _models(sources[0], *tables, others=sources[1:]).X
    assert _takes(model, {"n": "1.25", "d": "no date"})
    assert not _takes(model, {"n": "one"})


def test_a_join_judges_both_its_sides_and_its_condition() -> None:
    left, right = flat({"k": "int32", "n": "int32", "o": "int32"}), flat({"k": "int32", "m": "date", "o": "date"})
    sources = {"x": left.model_copy(update={"source": "x"}), "y": right.model_copy(update={"source": "y"})}
    origin = shape_of({"join": {"left": "x", "with": {"source": "y", "on": "k"}}})
    table = (origin, join_schema(origin, sources), "y.m")  # type: ignore[arg-type]  # a join
    x = _models(sources["x"], table, others=[sources["y"]]).X
    y = _models(sources["y"], table, others=[sources["x"]]).Y
    assert [_takes(x, {name: "?"}) for name in ("k", "n", "o")] == [False, True, True]
    assert [_takes(y, {name: "?"}) for name in ("m", "o")] == [False, True]


def test_what_no_table_reads_is_typed_where_it_can_be_and_else_as_it_is() -> None:
    model = _models(FLAT, ("source", FLAT, "a")).Source
    found = model.model_validate({"a": "1", "b": "2024-02-03", "f": {"x": "\0"}})
    assert (found.a, str(found.b), found.f) == (1, "2024-02-03", {"x": "\0"})
    assert model.model_validate(found.model_dump()) == found
    assert model.model_json_schema()["properties"].keys() == {"a", "b", "c", "f"}
