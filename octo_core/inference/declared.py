"""What a source itself says of its fields, laid over what inference makes of the values."""

from collections.abc import Collection, Sequence

from octo_core.batch import Batch
from octo_core.inference.describing import describe
from octo_core.schema import Declared, Field, SourceSchema
from octo_core.spec.sources import SourceBase
from octo_core.types import DataType

WHY = "as the source's catalog says"


def declared_over(found: SourceSchema, batches: Sequence[Batch], spec: SourceBase) -> SourceSchema:
    """The schema with types, nullability, comments and key as the newest batch's source declares them.

    The pipeline file's own word stays above it. Nothing changes where the source declares nothing.
    """
    newest = next((batch for batch in reversed(batches) if batch.declared), None)
    if newest is None:
        return found
    known = {one.name: one for one in newest.declared}
    fields = [_laid(one, known.get(one.name), spec.fields.get(one.name, {}).keys()) for one in found.fields]
    there = {one.name for one in fields}
    fields += [_laid(Field(name=one.name, type=one.type), one, ()) for one in newest.declared if one.name not in there]
    return found.model_copy(update={"fields": tuple(fields), "key": spec.key or newest.declared_key or found.key})


def _laid(field: Field, said: Declared | None, above: Collection[str]) -> Field:
    if said is None:
        return field
    update: dict[str, object] = {"carrier": said.carrier}
    if "type" not in above:
        update |= {"type": said.type, "format": None, "nulls": (), "confidence": 1.0, "why": WHY}
        update["children"] = children_of(said.type)
    if "nullable" not in above:
        update["nullable"] = said.nullable
    if said.description and "description" not in above:
        update["description"] = said.description
    elif "description" not in above:
        update["description"] = describe(field.model_copy(update=update))
    return field.model_copy(update=update)


def children_of(kind: DataType) -> tuple[Field, ...]:
    """The fields inside a declared type: nothing is known of their values."""
    inside = kind.fields if kind.kind == "record" else (("[]", kind.element),) if kind.element else ()
    return tuple(
        Field(name=name, type=inner, carrier="typed", children=children_of(inner), why=WHY)
        for name, inner in inside
        if inner is not None
    )
