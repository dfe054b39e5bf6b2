"""Whether one item keeps a source's contract, field by field: what a load would set aside is named before it lands.

The same reading as the generated models' (octo_resources/codegen.py), without generating anything of what others sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from octo_core.reading import read_list, read_token, token_of
from octo_core.schema import Field, SourceSchema
from octo_core.types import TEXT

_ANY_STRUCTURE: Final = ("object", "array", "typed")


@dataclass(frozen=True, slots=True)
class Misfit:
    """One value that the contract refuses. `path` is the field's, `a.b` for nested ones."""

    path: str
    message: str


def misfits(item: dict[str, object], schema: SourceSchema) -> Iterator[Misfit]:
    """What of an item (parsed JSON, numbers as the texts they stood as) its schema refuses; nothing where all is well.

    Missing fields are null and keys that the schema has not are let through: both are for drift to judge.
    """
    for field in schema.fields:
        yield from _of(field, item.get(field.name), field.name)


def _of(field: Field, value: object, path: str) -> Iterator[Misfit]:
    if value is None or (isinstance(value, str) and value in field.nulls):
        return
    kind = field.type.kind
    if kind == "record" and field.children:
        if not isinstance(value, dict):
            yield Misfit(path, f"{_shown(value)} is no object")
            return
        for child in field.children:
            yield from _of(child, value.get(child.name), f"{path}.{child.name}")
        return
    if kind in ("record", "json") and field.carrier in _ANY_STRUCTURE:
        return
    try:
        _read(field, value)
    except (ValueError, RecursionError) as error:
        yield Misfit(path, str(error) or f"{_shown(value)} is no {field.type}")


def _read(field: Field, value: object) -> None:
    """Reads a value as a load does. Raises ValueError."""
    if field.type.kind == "list":
        element = field.type.element or TEXT
        structured = element.kind in ("record", "json", "list")  # a load keeps such a list as JSON, whatever is in it
        if not isinstance(value, list):
            raise ValueError(f"{_shown(value)} is no {'list' if structured else field.type}")
        if not structured:
            read_list(value, element)
        return
    read_token(token_of(value), field.type, field.format)


def _shown(value: object) -> str:
    return repr(token_of(value)[:80])
