"""The fields of a source that a model is asked about: at the top, in records, and inside lists (`items[].sku`)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from octo_core.asking.sharing import nameable
from octo_core.expressions.fields import ELEMENT
from octo_core.inference.overrides import TOLD_BY_FILE, type_of
from octo_core.mapping.attribute import spelled
from octo_core.relations import by_token
from octo_core.schema import Field, SourceSchema
from octo_core.spec.shapes import INDEX, PARENT, VALUE, EachFrom, relation_name

MOST_IN_LISTS: Final = 120
"""Fields inside lists that are asked about, those nearest to the top first: two questions."""

BORNE_OUT: Final = "says so, and the rows bear it out"
OVERRULED: Final = "was overruled"
"""How the reasons of fields that a model spoke of read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One field. `parts`: its names from the top, `[]` for a list's element; `steps`: the list it is in, `inner`: its
    path within one element, as expressions write it. Both are empty outside of lists."""

    field: Field
    parts: tuple[str, ...]
    steps: tuple[str, ...] = ()
    inner: str = ""

    @property
    def path(self) -> str:
        """`a.b` as expressions write it, with `[]` for each list on the way."""
        text = ""
        for part in self.parts:
            text += part if part == ELEMENT else f"{'.' if text else ''}{spelled(part)}"
        return text


def asked_fields(schema: SourceSchema) -> dict[str, Asked]:
    """Path → field, for those whose names may leave: all outside of lists, and at most MOST_IN_LISTS inside."""
    every = {one.path: one for one in _walked(schema.fields, ())}
    may = nameable({path: one.field for path, one in every.items()})
    known = {path: one for path, one in every.items() if path in may}
    within = [path for path, one in known.items() if one.steps and one.field.type.kind not in ("record", "list")]
    within.sort(key=lambda path: len(known[path].parts))
    kept = set(islice(within, MOST_IN_LISTS))
    return {path: one for path, one in known.items() if not one.steps or path in kept}


def _walked(fields: Sequence[Field], above: tuple[str, ...]) -> Iterator[Asked]:
    for one in fields:
        if one.name == "" or (one.name == ELEMENT and (not above or above[-1] == ELEMENT)):
            continue  # a list right in a list is taken apart by no table
        if above[-1:] == (ELEMENT,) and one.name in (PARENT, INDEX):
            continue  # these names mean something else in an element's row
        parts = (*above, one.name)
        yield _asked(one, parts)
        yield from _walked(one.children, parts)


def _asked(field: Field, parts: tuple[str, ...]) -> Asked:
    if ELEMENT not in parts:
        return Asked(field, parts)
    last = len(parts) - parts[::-1].index(ELEMENT)
    steps = tuple(part for part in parts[: last - 1] if part != ELEMENT)
    inner = ".".join(map(spelled, parts[last:])) or VALUE
    return Asked(field, parts, steps, inner)


def elements_of(schema: SourceSchema, steps: Sequence[str]) -> tuple[EachFrom, SourceSchema] | None:
    """A list's elements as a relation with the types that the source's schema has; None where none can be made."""
    fields: tuple[Field, ...] = schema.fields
    found: Field | None = None
    for step in steps:
        found = next((one for one in fields if one.name == step), None)
        if found is None or not step.strip() or "." in step:
            return None
        inner = found.child(ELEMENT) if found.type.kind == "list" else found
        fields = inner.children if inner is not None else ()
    element = found.child(ELEMENT) if found is not None else None
    if element is None:
        return None
    own = element.children or (element.model_copy(update={"name": VALUE}),)
    origin = EachFrom(source=schema.source, each=".".join(steps))
    return origin, SourceSchema(source=relation_name(origin), fields=tuple(map(by_token, own)))


def laid_over(seen: Sequence[Field], told: Sequence[Field]) -> tuple[Field, ...]:
    """A list's elements as profiled, with what a model or the file said of them in the source's schema."""
    said: Mapping[str, Field] = {one.name: one for one in told}
    return tuple(_laid(one, said[one.name]) if one.name in said else one for one in seen)


_TOLD: Final = (
    "type", "format", "nulls", "unit", "semantic", "role", "pii", "description", "nullable", "why", "confidence",
)  # fmt: skip


def _laid(seen: Field, told: Field) -> Field:
    update = {name: getattr(told, name) for name in _TOLD} if _is_told(told) else {}
    if seen.children and told.children and update.get("type", seen.type).kind == seen.type.kind:
        children = laid_over(seen.children, told.children)
        update |= {"children": children, "type": type_of(seen.type, children)}
    elif "type" in update and update["type"].kind != seen.type.kind:
        update["children"] = ()
    return seen.model_copy(update=update) if update else seen


def _is_told(field: Field) -> bool:
    why = field.why or ""
    return why == TOLD_BY_FILE or why.endswith(BORNE_OUT) or OVERRULED in why
