"""What the fingerprint covers and what it leaves out: each thing that the contract lists, one case each."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from octo_core.catalog import Catalog, Check, Column, ForeignKey, Function, Label, Table, Trigger, Unique
from octo_core.errors import NotSupportedYet, UsageError
from octo_core.mapping.model import ColumnMapping, Mapping, TableMapping
from octo_core.plan.diff import diff
from octo_core.plan.fingerprint import canonical_json, fingerprint
from octo_core.plan.model import Recipe
from octo_core.plan.recipe import build_recipe
from octo_core.schema import Field, FieldStats, SourceSchema
from octo_core.spec.pipeline import PipelineSpec
from octo_core.types import INT16, INT32, INT64, TEXT, TIMESTAMPTZ, decimal, list_of, record

GOLDEN = Path(__file__).with_name("golden_fingerprints.json")

SPEC: dict[str, Any] = {
    "name": "flights",
    "sources": {"flights": {"kind": "file", "path": "samples/flights.csv"}},
    "destination": {"kind": "postgres", "url": "postgresql://one/db"},
    "tables": {"public.flight": {"transforms": ["clean.sql", "enrich.py"], "after": ["daily.sql"]}},
}
TEXTS = {"clean.sql": "select 1", "enrich.py": "x = 1", "daily.sql": "select 2"}
FIELDS: dict[str, Field] = {
    "id": Field(name="id", type=INT32, carrier="number"),
    "hour": Field(name="hour", type=TIMESTAMPTZ, format="%Y-%m-%dT%H:%M:%SZ"),
    "distance": Field(name="distance", type=INT32, unit="miles", carrier="number"),
    "origin": Field(name="origin", type=TEXT),
    "unused": Field(name="unused", type=TEXT),
}
COLUMNS: dict[str, Column] = {
    "id": Column(name="id", type=INT64, native="bigint", nullable=False),
    "departs_at": Column(name="departs_at", type=TIMESTAMPTZ, native="timestamptz", label=Label(label="departure")),
    "distance_km": Column(name="distance_km", type=INT32, native="integer", label=Label(label="distance", unit="km")),
    "origin": Column(name="origin", type=TEXT, native="text"),
    "kind": Column(name="kind", type=TEXT, native="text", nullable=False),
    "note": Column(name="note", type=TEXT, native="text"),
}
MAPPED: dict[str, str] = {"id": "id", "departs_at": "hour", "distance_km": "distance", "origin": "upper(origin)"}
TABLE = Table(
    name="public.flight",
    schema_name="public",
    table_name="flight",
    columns=(),
    primary_key=("id",),
    uniques=(Unique(name="u", columns=("origin",)),),
    foreign_keys=(ForeignKey(name="f", columns=("origin",), ref_table="public.airport", ref_columns=("code",)),),
    checks=(Check(name="c", sql="distance_km > 0"), Check(name="d", sql="id > 0")),
    triggers=(Trigger(name="t", sql="CREATE TRIGGER t"),),
)


def built(
    spec: dict[str, Any] | None = None,
    *,
    table_spec: dict[str, Any] | None = None,
    fields: dict[str, Field] | None = None,
    columns: dict[str, Column] | None = None,
    table: dict[str, Any] | None = None,
    mapped: dict[str, str | None] | None = None,
    texts: dict[str, str] | None = None,
    schema: dict[str, Any] | None = None,
) -> Recipe:
    """The recipe of the pipeline above, with some of it changed."""
    said = {**SPEC, **(spec or {})}
    tables = {"public.flight": {**SPEC["tables"]["public.flight"], **(table_spec or {})}}
    source = SourceSchema(source="flights", fields=tuple((FIELDS | (fields or {})).values()))
    there = TABLE.model_copy(update={"columns": tuple((COLUMNS | (columns or {})).values()), **(table or {})})
    expressions = {**MAPPED, **(mapped or {})}
    mapping = TableMapping(
        table="public.flight",
        columns=tuple(
            ColumnMapping(target=target, expr=expr, layer="embedded", confidence=0.9, why="names")
            for target, expr in expressions.items()
        ),
    )
    return build_recipe(
        PipelineSpec.model_validate({**said, "tables": tables}),
        {"flights": source.model_copy(update=schema or {})},
        Catalog(dialect="postgresql", version="18", tables={"public.flight": there}),
        Mapping(pipeline="flights", tables={"public.flight": mapping}),
        TEXTS | (texts or {}),
    )


def field(name: str, **change: Any) -> dict[str, Field]:
    return {name: FIELDS[name].model_copy(update=change)}


def col(name: str, **change: Any) -> dict[str, Column]:
    return {name: COLUMNS[name].model_copy(update=change)}


def called(by: Any, body: str, column: str | None = None) -> Function:
    return Function(name="public.f()", body=body, used_by=by, column=column)


COVERED: dict[str, Callable[[], Recipe]] = {
    "pipeline": lambda: built({"name": "others"}),
    "field's type": lambda: built(fields=field("origin", type=INT32)),
    "field's format": lambda: built(fields=field("hour", format="%Y-%m-%d %H:%M:%S%z")),
    "field's unit": lambda: built(fields=field("distance", unit="feet")),
    "integer that the target does not hold": lambda: built(fields=field("distance", type=INT64)),
    "column's type": lambda: built(columns=col("origin", native="character varying(3)")),
    "column's nullability": lambda: built(columns=col("origin", nullable=False)),
    "column's enum": lambda: built(columns=col("origin", enum=("JFK", "LGA"))),
    "column's domain": lambda: built(columns=col("origin", domain="iata")),
    "column's collation": lambda: built(columns=col("origin", collation="ci i und-u-ks-level2")),
    "function that a check calls": lambda: built(table={"functions": (called("check", "1"),)}),
    "function of a default that must fill": lambda: built(
        columns=col("note", nullable=False, default="f()"), table={"functions": (called("default", "1", "note"),)}
    ),
    "column that the destination computes": lambda: built(
        columns={"extra": Column(name="extra", type=TEXT, native="text", generated="upper(origin)")}
    ),
    "row security": lambda: built(table={"policies": ("on",)}),
    "required column": lambda: built(columns=col("note", nullable=False)),
    "required column, none more": lambda: built(columns=col("kind", nullable=True)),
    "label": lambda: built(columns=col("departs_at", label=Label(label="arrival"))),
    "label's unit": lambda: built(columns=col("distance_km", label=Label(label="distance", unit="m"))),
    "label's pii": lambda: built(columns=col("departs_at", label=Label(label="departure", pii=True))),
    "primary key": lambda: built(table={"primary_key": ("id", "origin")}),
    "unique": lambda: built(table={"uniques": ()}),
    "foreign key": lambda: built(table={"foreign_keys": ()}),
    "check": lambda: built(table={"checks": (*TABLE.checks, Check(name="e", sql="id < 9"))}),
    "trigger": lambda: built(table={"triggers": ()}),
    "exclusion": lambda: built(table={"exclusions": ("EXCLUDE USING gist (id WITH =)",)}),
    "mapping": lambda: built(mapped={"origin": "lower(origin)"}),
    "unmapped": lambda: built(mapped={"origin": None}),
    "newly mapped": lambda: built(mapped={"note": "unused"}),
    "from": lambda: built(
        {"sources": {**SPEC["sources"], "others": SPEC["sources"]["flights"]}}, table_spec={"from": "flights"}
    ),
    "key": lambda: built(table_spec={"key": ["origin"]}),
    "version": lambda: built(table_spec={"version": "departs_at"}),
    "write": lambda: built(table_spec={"write": "append"}),
    "deletes": lambda: built(
        columns=col("note", type=TIMESTAMPTZ, native="timestamptz"), table_spec={"deletes": {"mark": "note"}}
    ),
    "drift": lambda: built({"drift": {"new_field": "ignore"}}),
    "text of a transformation": lambda: built(texts={"clean.sql": "select 2"}),
    "text of an after file": lambda: built(texts={"daily.sql": "select 3"}),
    "order of transformations": lambda: built(table_spec={"transforms": ["enrich.py", "clean.sql"]}),
    "no transformations": lambda: built(table_spec={"transforms": []}),
}
LEFT_OUT: dict[str, Callable[[], Recipe]] = {
    "function of a default that nothing leans on": lambda: built(
        table={"functions": (called("default", "1", "note"),)}
    ),
    "ranges and enumerations": lambda: built(
        fields=field("origin", stats=FieldStats(rows=9, max="LGA", values=("JFK", "LGA")))
    ),
    "nullability seen in the data": lambda: built(fields=field("origin", nullable=False)),
    "wider integer that the target holds": lambda: built(fields=field("id", type=INT64)),
    "narrower integer": lambda: built(fields=field("distance", type=INT16)),
    "role, description, confidence": lambda: built(
        fields=field("origin", role="categorical", description="x", why="y")
    ),
    "counts": lambda: built(schema={"rows_examined": 5, "rows_total": 5, "complete": True, "batches": ("b",)}),
    "unused field": lambda: built(fields=field("unused", type=INT32, format="x", unit="y")),
    "new field": lambda: built(fields={"new": Field(name="new", type=TEXT)}),
    "order of fields": lambda: built(fields=dict(reversed(FIELDS.items()))),
    "comments": lambda: built(columns=col("origin", comment="x"), table={"comment": "x"}),
    "unrelated column": lambda: built(columns={"extra": Column(name="extra", type=TEXT, native="text")}),
    "unmapped column's label": lambda: built(columns=col("note", label=Label(label="x"))),
    "rows in the table": lambda: built(table={"rows": 9}),
    "names and order of constraints": lambda: built(
        table={"checks": (Check(name="x", sql="id > 0"), Check(name="y", sql="distance_km > 0"))}
    ),
    "spelling of an expression": lambda: built(mapped={"origin": " UPPER( origin )"}),
    "quarantine limits": lambda: built({"quarantine": {"max_rows": 5}}),
    "schedule": lambda: built({"schedule": "0 6 * * *"}),
    "retries": lambda: built({"retries": {"max": 9}}),
    "engine": lambda: built({"engine": "duckdb"}),
    "hosting": lambda: built({"hosting": "cloud"}),
    "monitors": lambda: built({"monitors": {"freshness": "2 h"}}),
    "owner and description": lambda: built({"owner": "x", "description": "y", "tags": {"a": "b"}}),
    "host and database": lambda: built({"destination": {"kind": "postgres", "url": "postgresql://two/other"}}),
    "reviewers": lambda: built({"approval": {"reviewers": ["ana"]}}),
    "where the source is": lambda: built({"sources": {"flights": {"kind": "file", "path": "other.csv"}}}),
    "what is the effective value anyway": lambda: built(
        table_spec={"key": ["id"], "write": "merge", "from": "flights"}
    ),
}


@pytest.mark.parametrize("change", [name for name in COVERED if name != "from"])
def test_what_decides_what_rows_become_changes_the_fingerprint_and_the_diff(change: str) -> None:
    now = COVERED[change]()
    assert fingerprint(now) != fingerprint(built())
    assert diff(built(), now) != ()


def test_another_source_changes_the_fingerprint() -> None:
    two = {"sources": {"flights": SPEC["sources"]["flights"], "others": SPEC["sources"]["flights"]}}
    assert fingerprint(built(two, table_spec={"from": "flights"})) == fingerprint(built())
    with pytest.raises(UsageError, match="schema of others is not known"):
        built(two, table_spec={"from": "others"})
    with pytest.raises(UsageError, match="`from` is missing"):
        built(two)


@pytest.mark.parametrize("change", LEFT_OUT)
def test_what_decides_nothing_leaves_the_fingerprint(change: str) -> None:
    now = LEFT_OUT[change]()
    assert diff(built(), now) == ()
    assert fingerprint(now) == fingerprint(built())


def test_fingerprints_are_those_of_the_golden_file() -> None:
    """Changed on purpose? Then every approval of every user lapses: raise the language version, and write it anew."""
    found = {"base": fingerprint(built())} | {name: fingerprint(make()) for name, make in COVERED.items()}
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_only_used_fields_are_in_it_also_within_records_and_lists() -> None:
    inner = Field(name="code", type=TEXT, unit="iata")
    legs = Field(name="legs", type=list_of(record({"code": TEXT, "n": INT32})), carrier="array",
                 children=(Field(name="[]", type=record({"code": TEXT, "n": INT32}), carrier="object",
                                 children=(inner, Field(name="n", type=INT32))),))  # fmt: skip
    made = built(fields={"legs": legs}, mapped={"origin": "legs[1].code"})
    used = {one.name: one for one in made.sources["flights"]}
    assert set(used) == {"id", "hour", "distance", "legs[1].code"}
    assert (used["legs[1].code"].family, used["legs[1].code"].unit) == ("text", "iata")


def test_the_sources_key_is_taken_where_table_and_file_have_none() -> None:
    keyless = {"primary_key": ()}
    said = SPEC["sources"]["flights"]
    made = built({"sources": {"flights": {**said, "key": ["id"]}}}, table=keyless).tables["public.flight"]
    assert (made.key, made.write) == (("id",), "merge")
    changed = built({"sources": {"flights": {**said, "key": ["origin"]}}}, table=keyless).tables["public.flight"]
    assert (changed.key, changed.write) == ((), "append")  # origin does not go over unchanged
    guessed = built(table=keyless, schema={"key": ("id",)}).tables["public.flight"]
    assert (guessed.key, guessed.write) == ((), "append")  # that no two rows shared it so far is nobody's word
    none = built(table=keyless).tables["public.flight"]
    assert (none.key, none.write) == ((), "append")


@pytest.mark.parametrize(
    ("into", "holds"),
    [(decimal(10, 0), True), (decimal(12, 2), True), (decimal(11, 2), False), (INT64, True), (INT16, False)],
)
def test_whether_a_column_holds_every_value_of_its_type(into: Any, holds: bool) -> None:
    made = built(columns=col("distance_km", type=into)).tables["public.flight"]
    assert ("distance_km" not in made.narrowed) is holds


def test_what_cannot_be_built_says_so() -> None:
    with pytest.raises(NotSupportedYet, match="sql is not supported yet"):
        built(table_spec={"from": {"sql": "join.sql"}})
    with pytest.raises(UsageError, match=r"text is not there: other\.sql"):
        built(table_spec={"after": ["other.sql"]})


def test_a_recipe_comes_back_from_json_with_the_same_fingerprint() -> None:
    for make in COVERED.values():
        made = make()
        assert fingerprint(Recipe.model_validate_json(made.model_dump_json())) == fingerprint(made)


def test_no_float_has_a_canonical_spelling() -> None:
    with pytest.raises(TypeError, match="float has no canonical spelling"):
        canonical_json({"a": [1.5]})
    assert canonical_json({"b": "é", "a": None, "c": (True, 1)}) == '{"b":"\\u00e9","c":[true,1]}'
