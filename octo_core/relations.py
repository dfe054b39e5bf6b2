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

_MOMENTS = ("date", "timestamp", "timestamptz")


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
        return _by_token(field)
    return _record(field, [kept for child in field.children if (kept := without_lists(child)) is not None])


def _by_token(field: Field) -> Field:
    """A field of a shaped relation, which travels as JSON: what came typed is a token there."""
    carrier = "text" if field.carrier == "typed" else field.carrier
    children = tuple(_by_token(child) for child in field.children)
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

    What the parent's fields are, its own source's schema says, the user's word on them included.
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
    own = [field for field in seen.fields if field.name not in (PARENT, INDEX)]
    above = tuple(path_text((*[PARENT] * len(steps), name)) for name in base.key)
    key = (*above, *([INDEX] if len(steps) == 1 else [f"{PARENT}.{INDEX}", INDEX])) if above else ()
    parent = parent.model_copy(update={"description": f"the record of {base.source} that the list is in"})
    return seen.model_copy(update={"source": name, "fields": (*own, index, parent), "key": key})


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
    fields = [_by_token(field) for field in left.fields]
    for one in join.with_:
        if left.field(one.alias) is not None:
            raise UsageError(
                f"join: {join.left} has a field '{one.alias}' itself",
                hint=f"Give the joined source another name: {{source: {one.source}, as: …}}",
            )
        join_nodes(join, one, schemas)
        right = schemas[one.source]
        record = Field(name=one.alias, type=TEXT, nullable=one.kind == "left", description=f"from {one.source}")
        fields.append(_record(record, [_by_token(field) for field in right.fields]))
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


def union_schema(name: str, schemas: Sequence[SourceSchema]) -> SourceSchema:
    """The fields of all sources by name: where the types differ the one that holds both, else text."""
    names = list(dict.fromkeys(field.name for schema in schemas for field in schema.fields))
    typed = {field.carrier == "typed" for schema in schemas for field in schema.fields}
    first, *others = schemas
    totals = [schema.rows_total for schema in schemas]
    return first.model_copy(
        update={
            "source": name,
            "fields": tuple(_united(field, schemas, mixed=len(typed) > 1) for field in names),
            "key": first.key if all(schema.key == first.key for schema in others) else (),
            "rows_examined": sum(schema.rows_examined for schema in schemas),
            "rows_total": None if None in totals else sum(total or 0 for total in totals),
            "complete": all(schema.complete for schema in schemas),
            "warnings": (),
            "batches": tuple(batch for schema in schemas for batch in schema.batches),
        }
    )


def _united(name: str, schemas: Sequence[SourceSchema], *, mixed: bool) -> Field:
    found = [(schema, field) for schema in schemas if (field := schema.field(name)) is not None]
    lacking = sum(schema.rows_examined for schema in schemas if schema.field(name) is None)
    field = found[0][1]
    for _, other in found[1:]:
        field = _widened(field, other)
    if mixed:
        field = _by_token(field)
    stats = field.stats
    if stats is not None and lacking:
        stats = stats.model_copy(update={"rows": stats.rows + lacking, "missing": stats.missing + lacking})
    return field.model_copy(update={"stats": stats, "nullable": field.nullable or lacking > 0})


def _widened(left: Field, right: Field) -> Field:
    from octo_core.expressions.typing import common

    moment = _iso(left, right)
    alike = left.nulls == right.nulls and (left.format == right.format or moment is not None)
    both = common(left.type, right.type) if alike and (left.type == right.type or left.type.is_numeric) else None
    carrier = left.carrier if left.carrier == right.carrier else "mixed"
    update = {
        "nullable": left.nullable or right.nullable,
        "pii": left.pii or right.pii,
        "stats": _both(left.stats, right.stats),
        "carrier": carrier,
        "format": moment or left.format,
    }
    if both is None:  # text holds the tokens of either; what they mean is for the mapping to say
        same = {"format": None, "nulls": (), "unit": None, "semantic": None, "children": (), "carrier": "text"}
        return left.model_copy(update={**update, **same, "type": TEXT})
    unit = left.unit if left.unit == right.unit else None
    semantic = left.semantic if left.semantic == right.semantic else None
    return left.model_copy(update={**update, "type": both, "unit": unit, "semantic": semantic})


def _iso(left: Field, right: Field) -> str | None:
    """The formats of both, where dates or times are written in the order of ISO 8601 on both sides: no other order can
    be taken for it. None where they are the same anyway, or not so.
    """
    if left.type != right.type or left.format == right.format or left.type.family not in _MOMENTS:
        return None
    each = list(dict.fromkeys(part for one in (left, right) for part in (one.format or "iso").split(" | ")))
    plain = all(one == "iso" or one.startswith("%Y-%m-%d") for one in each)
    return " | ".join(each) if plain else None


def _both(left: FieldStats | None, right: FieldStats | None) -> FieldStats | None:
    """Counts of both; ranges and distinct values only where one side's say nothing against it."""
    if left is None or right is None:
        return left or right
    closed = left.values is not None and right.values is not None
    values = tuple(dict.fromkeys((*(left.values or ()), *(right.values or ())))) if closed else None
    lengths = [size for size in (left.max_length, right.max_length) if size is not None]
    return FieldStats(
        rows=left.rows + right.rows,
        missing=left.missing + right.missing,
        nulls=left.nulls + right.nulls,
        max_length=max(lengths) if lengths else None,
        values=values,
        examples=tuple(dict.fromkeys((*left.examples, *right.examples)))[:10],
        masks=left.masks,
    )


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
