"""A reviewer's correction wins over mapping.yaml, mapping.yaml over the proposal; what is wrong is said all at once."""

from datetime import UTC, datetime, timedelta

import pytest

from octo_core.errors import SpecError
from octo_core.expressions import assign, parse
from octo_core.mapping import layered
from octo_core.mapping.model import DOUBTFUL, ColumnMapping, Correction, Mapping, TableMapping
from octo_core.spec.mapping_file import FileColumn, ValueMap

from .build import catalog, column, field, schema, table, whole

SOURCE = schema(
    field("code", "text", "A", "C"),
    field("name", "text", "Ana"),
    field("age", "int32", "7"),
    field("spare", "text", "x"),
)
TABLE = table(
    "person",
    column("code", "text"),
    column("name", "text"),
    column("age", "int32"),
    column("grade", "int16"),
    column("note", "text"),
    column("id", "int64", identity="always"),
)
THERE = catalog(TABLE)
NOW = datetime(2024, 5, 6, tzinfo=UTC)
PLACE = ("pipelines/p/mapping.yaml", 3, 9)


def entry(expr: str | None = None, place: tuple[str, int, int] = PLACE, **more: object) -> FileColumn:
    return FileColumn(expr=expr, position=place, **more)  # type: ignore[arg-type]  # a test's shorthand


def correction(name: str, expr: str | None, minutes: int = 0, table: str = "public.person") -> Correction:
    made_at = NOW + timedelta(minutes=minutes)
    return Correction(table=table, column=name, expr=expr, reviewer="ana", reason="I know", made_at=made_at)


def laid(file: dict[str, FileColumn] | None = None, *corrections: Correction) -> Mapping:
    proposal = whole(SOURCE, THERE)
    return layered(
        proposal, {"public.person": file or {}}, corrections, catalog=THERE, relations={"public.person": SOURCE}
    )


def test_the_proposal_stands_where_nobody_says_otherwise() -> None:
    assert laid().tables == whole(SOURCE, THERE).tables


def test_each_layer_wins_over_the_weaker_ones() -> None:
    found = laid({"name": entry("upper(name)"), "age": entry("age + 1")}, correction("name", "lower(name)"))
    mapped = found.tables["public.person"]
    name, age = mapped.column("name"), mapped.column("age")
    assert name is not None
    assert age is not None
    assert (name.layer, name.expr, name.overrides) == ("correction", "lower(name)", "file")
    assert name.why == "ana corrected it: I know"
    assert [one.expr for one in name.alternatives] == ["upper(name)", "name"]
    assert (age.layer, age.expr, age.overrides, age.confidence) == ("file", "age + 1", "embedded", 1.0)
    assert "public.person.name: a correction overrides mapping.yaml" in found.warnings


def test_agreeing_with_a_weaker_layer_overrides_nothing() -> None:
    name = laid({"name": entry("name")}).tables["public.person"].column("name")
    assert name is not None
    assert (name.layer, name.overrides) == ("file", None)


def test_the_newest_correction_holds_and_none_means_unmapped() -> None:
    found = laid(None, correction("name", None, minutes=5), correction("name", "upper(name)"))
    name = found.tables["public.person"].column("name")
    assert name is not None
    assert (name.expr, name.layer, name.overrides) == (None, "correction", "embedded")
    assert "name" in found.tables["public.person"].unmapped_source


def test_a_reason_to_leave_a_column_unmapped() -> None:
    name = laid({"name": entry(unmapped="nobody asked")}).tables["public.person"].column("name")
    assert name is not None
    assert (name.expr, name.why) == (None, "nobody asked")


def test_fields_that_a_stronger_layer_uses_are_used() -> None:
    found = laid({"note": entry("concat(spare, '!')")}).tables["public.person"]
    assert found.unmapped_source == ()
    assert laid().tables["public.person"].unmapped_source == ("spare",)


@pytest.mark.parametrize(
    ("values", "name", "expr"),
    [
        (ValueMap(source="code", map={"A": "active"}), "note", "map_values(code, 'A', 'active')"),
        (
            ValueMap(source="code", map={"A": "it's"}, otherwise="?", has_else=True),
            "note",
            "map_values(code, 'A', 'it''s', '?')",
        ),
        (ValueMap(source="code", map={"A": 1, "C": 2}), "grade", "cast(map_values(code, 'A', '1', 'C', '2') as int16)"),
        (
            ValueMap(source="code", map={"A": "a", "C": None}),
            "note",
            "case when code in ('C') then null else map_values(code, 'A', 'a') end",
        ),
        (
            ValueMap(source="code", map={"A": "a"}, otherwise=None, has_else=True),
            "note",
            "case when code in ('A') then map_values(code, 'A', 'a') end",
        ),
    ],
)  # fmt: skip
def test_value_maps_of_the_file(values: ValueMap, name: str, expr: str) -> None:
    found = laid({name: entry(values=values)}).tables["public.person"].column(name)
    target = TABLE.column(name)
    assert found is not None
    assert target is not None
    assert found.expr == expr
    assign(parse(expr, SOURCE), target)


def test_all_mistakes_at_once_each_in_its_place() -> None:
    with pytest.raises(SpecError) as caught:
        laid(
            {
                "nme": entry("name", ("mapping.yaml", 2, 8)),
                "age": entry("agee + 1", ("mapping.yaml", 3, 8)),
                "grade": entry("1 +\n  nofunction(age)", ("mapping.yaml", 4, 10)),
                "id": entry("age", ("mapping.yaml", 6, 7)),
                "name": entry("name", ("mapping.yaml", 7, 7)),
            },
            correction("name", "upper(nam)"),
            correction("x", "name", table="public.persn"),
        )
    found = {(one.file, one.line, one.column): one.message for one in caught.value.mistakes}
    assert set(found) == {
        ("correction of public.person.name", 1, 7),
        ("correction of public.persn.x", 1, 1),
        ("mapping.yaml", 2, 8),
        ("mapping.yaml", 3, 8),
        ("mapping.yaml", 5, 3),
        ("mapping.yaml", 6, 7),
    }
    assert "Did you mean 'name'?" in found["mapping.yaml", 2, 8]
    assert "age" in found["mapping.yaml", 3, 8]
    assert "Did you mean 'public.person'?" in found["correction of public.persn.x", 1, 1]


def test_an_expression_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(SpecError, match="grade is int16"):
        laid({"grade": entry("name")})


def test_corrections_of_the_same_moment_go_by_their_order() -> None:
    found = laid(None, correction("name", "upper(name)"), correction("name", "lower(name)"))
    name = found.tables["public.person"].column("name")
    assert name is not None
    assert name.expr == "lower(name)"


def test_laying_twice_is_laying_once() -> None:
    file = {"name": entry("upper(name)")}
    once = laid(file)
    again = layered(once, {"public.person": file}, (), catalog=THERE, relations={"public.person": SOURCE})
    assert again.tables["public.person"].column("name") == once.tables["public.person"].column("name")
    assert Mapping.model_validate_json(once.model_dump_json()) == once


def test_what_a_plan_marks_as_doubtful_is_warned_of() -> None:
    between = ColumnMapping(target="code", expr="code", layer="embedded", confidence=DOUBTFUL - 0.01, why="")
    proposal = Mapping(pipeline="p", tables={"public.person": TableMapping(table="public.person", columns=(between,))})
    found = layered(proposal, {}, [], catalog=THERE, relations={"public.person": SOURCE})
    assert found.warnings == ("public.person: doubtful, look at them first: code",)
