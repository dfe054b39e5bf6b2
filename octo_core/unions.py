"""The schema of a union of sources: fields by name, types widened to what holds the values of all."""

from collections.abc import Sequence

from octo_core.relations import by_token
from octo_core.schema import Field, FieldStats, SourceSchema
from octo_core.types import TEXT

_MOMENTS = ("date", "timestamp", "timestamptz")


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
        field = by_token(field)
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
    if carrier == "mixed" and left.type.kind == "json" and {"text", "typed"} & {left.carrier, right.carrier}:
        carrier = "text"  # of one of them the tokens are the JSON
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
