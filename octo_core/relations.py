"""Schemas of the relations that tables are made from: elements of a list, joins and unions of sources."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from octo_core.errors import UsageError
from octo_core.schema import Field, FieldStats, SourceSchema
from octo_core.spec.nearest import did_you_mean
from octo_core.spec.shapes import (
    INDEX,
    PARENT,
    VALUE,
    EachFrom,
    Join,
    JoinFrom,
    JoinWith,
    Shape,
    driving,
    relation_name,
)
from octo_core.types import INT32, TEXT, DataType

if TYPE_CHECKING:
    from octo_core.expressions import Node


def check_shape(origin: Shape, schemas: Mapping[str, SourceSchema]) -> None:
    """Raise UsageError where what a table is made from does not fit what is known of its sources."""
    if isinstance(origin, EachFrom):
        check_list(schemas[origin.source], origin.steps)
    elif isinstance(origin, JoinFrom):
        join_schema(origin, schemas)


def without_lists(field: Field) -> Field | None:
    """A field as an element's `parent` has it: without lists, in records too; None where nothing is left."""
    if field.type.kind == "list":
        return None
    if field.type.kind != "record" or not field.children:
        return by_token(field)
    return _record(field, [kept for child in field.children if (kept := without_lists(child)) is not None])


def by_token(field: Field) -> Field:
    """A field of a shaped relation, which travels as JSON: what came typed is a token there."""
    carrier = "text" if field.carrier == "typed" else field.carrier
    children = tuple(by_token(child) for child in field.children)
    return field.model_copy(update={"carrier": carrier, "children": children})


def _record(field: Field, children: Sequence[Field]) -> Field:
    kind = DataType("record", fields=tuple((child.name, child.type) for child in children))
    return field.model_copy(update={"type": kind, "children": tuple(children), "carrier": "object"})


def check_list(schema: SourceSchema, steps: Sequence[str]) -> None:
    """Raise UsageError where what is known of a source says that no list is at this path."""
    fields, here = schema.fields, schema.source
    for place, step in enumerate(steps):
        found = next((field for field in fields if field.name == step), None)
        if found is None:
            lists = [field.name for field in fields if field.type.kind == "list"]
            known = f" Its lists: {', '.join(lists)}." if lists else " It has no list."
            raise UsageError(f"each: {here} has no field '{step}'.{did_you_mean(step, lists) if lists else ''}{known}")
        here = f"{here}.{step}"
        if place == len(steps) - 1 and found.type.kind not in ("list", "json", "text"):
            raise UsageError(f"each: {here} is {found.type}, and no list")
        inner = found.child("[]") if found.type.kind == "list" else found
        if place < len(steps) - 1 and (inner is None or not inner.children):
            if found.type.kind in ("json", "text"):
                return  # nobody knows what is in it
            raise UsageError(f"each: {here} holds no records, so there is no list in it")
        fields = inner.children if inner is not None else ()


def each_schema(name: str, base: SourceSchema, steps: Sequence[str], seen: SourceSchema) -> SourceSchema:
    """The schema of a list's elements. `seen`: what the profile of the elements says, `parent` and `_index` included.

    What the parent's fields are, its own source's schema says; of the elements what the user or a model said there.
    """
    from octo_core.expressions.tree import path_text

    profiled = seen.field(PARENT)
    if len(steps) == 1 or profiled is None:
        kept = [one for field in base.fields if field.name != steps[0] and (one := without_lists(field)) is not None]
        rows = profiled.stats.rows if profiled is not None and profiled.stats is not None else 0
        parent = _record(Field(name=PARENT, type=TEXT, nullable=False, stats=FieldStats(rows=rows)), kept)
    else:
        parent = profiled
    index = seen.field(INDEX) or Field(name=INDEX, type=INT32)
    index = index.model_copy(
        update={"type": INT32, "nullable": False, "carrier": "number", "description": "position in the list, from 1"}
    )
    own = _told(base, steps, [field for field in seen.fields if field.name not in (PARENT, INDEX)])
    above = tuple(path_text((*[PARENT] * len(steps), name)) for name in base.key)
    key = (*above, *([INDEX] if len(steps) == 1 else [f"{PARENT}.{INDEX}", INDEX])) if above else ()
    parent = parent.model_copy(update={"description": f"the record of {base.source} that the list is in"})
    return seen.model_copy(update={"source": name, "fields": (*own, index, parent), "key": key})


def _told(base: SourceSchema, steps: Sequence[str], own: Sequence[Field]) -> Sequence[Field]:
    from octo_core.asking.nested import elements_of, laid_over

    found = elements_of(base, steps)
    return laid_over(own, found[1].fields) if found is not None else own


def holds_values(schema: SourceSchema) -> bool | None:
    """Whether a list's elements are no records but values; None where none was ever seen."""
    own = [field.name for field in schema.fields if field.name not in (PARENT, INDEX)]
    return own == [VALUE] if own else None


def join_schema(origin: JoinFrom, schemas: Mapping[str, SourceSchema]) -> SourceSchema:
    """The left source's fields by their names, each joined source as a record of the name it is joined by.

    Raises UsageError where a name means two things, or a condition does not fit the sources.
    """
    join = origin.join
    left = schemas[join.left]
    fields = [by_token(field) for field in left.fields]
    for one in join.with_:
        if left.field(one.alias) is not None:
            raise UsageError(
                f"join: {join.left} has a field '{one.alias}' itself",
                hint=f"Give the joined source another name: {{source: {one.source}, as: …}}",
            )
        join_nodes(join, one, schemas)
        right = schemas[one.source]
        record = Field(name=one.alias, type=TEXT, nullable=one.kind == "left", description=f"from {one.source}")
        fields.append(_record(record, [by_token(field) for field in right.fields]))
    once = not any(one.many for one in join.with_)
    used = [schemas[name] for name in dict.fromkeys([join.left, *(one.source for one in join.with_)])]
    return left.model_copy(
        update={
            "source": relation_name(origin),
            "fields": tuple(fields),
            "key": left.key if once else (),
            "warnings": (),
            "batches": tuple(batch for schema in used for batch in schema.batches),
        }
    )


def join_nodes(join: Join, one: JoinWith, schemas: Mapping[str, SourceSchema]) -> list[tuple["Node", "Node"]]:
    """The typed expressions of a join's conditions, left and right. Raises UsageError where they do not fit."""
    from octo_core.expressions import ExpressionError, parse
    from octo_core.expressions.typing import common

    found = []
    for left, right in one.on.items():
        sides: list[Node] = []
        for text, source in ((left, join.left), (right, one.source)):
            try:
                sides.append(parse(text, schemas[source]))
            except ExpressionError as error:
                raise UsageError(f"join: on: {text}: {error.message}") from None
        kinds = sides[0].type, sides[1].type
        if common(*kinds) is None:
            raise UsageError(
                f"join: on: {left} is {kinds[0]} and {one.alias}.{right} is {kinds[1]}: they are never equal",
                hint=f"Cast one of them, for example on: {{'cast({left} AS text)': '{right}'}}",
            )
        found.append((sides[0], sides[1]))
    return found


def join_paths(origin: Shape, schema: SourceSchema) -> Iterator[str]:
    """The fields of a join's relation that its conditions read: what decides which rows meet is approved as well."""
    if not isinstance(origin, JoinFrom):
        return
    from octo_core.expressions import parse, path_parts, path_text, paths

    for one in origin.join.with_:
        record = schema.field(one.alias)
        right = SourceSchema(source=one.source, fields=record.children if record is not None else ())
        for mine, other in one.on.items():
            yield from paths(parse(mine, schema))
            yield from (path_text((one.alias, *path_parts(path))) for path in paths(parse(other, right)))


def read_from(
    origin: Shape, parts: Sequence[str | int], schemas: Mapping[str, SourceSchema]
) -> Iterator[tuple[str, str]]:
    """(source, its field) behind a field of a table's relation: lineage in terms of what landed."""
    top = str(parts[0])
    if isinstance(origin, EachFrom):
        above = 0
        while above < len(parts) and parts[above] == PARENT:
            above += 1
        outermost = above == len(origin.steps) and above < len(parts)
        yield origin.source, str(parts[above]) if outermost else origin.steps[0]
    elif isinstance(origin, JoinFrom):
        joined = next((one for one in origin.join.with_ if one.alias == top), None)
        if joined is None:
            yield origin.join.left, top
        elif len(parts) > 1:
            yield joined.source, str(parts[1])
    else:
        yield from ((name, top) for name in driving(origin) if schemas[name].field(top) is not None)
