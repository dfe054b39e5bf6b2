"""Paths: which field of the source a name means, and what type its part has."""

from difflib import get_close_matches

from octo_core.expressions.formats import check_format
from octo_core.expressions.tree import Path, path_text
from octo_core.schema import Field, SourceSchema
from octo_core.types import JSON, DataType

ELEMENT = "[]"


class NoFieldError(ValueError):
    """There is no such field; `nearest` is the name that was perhaps meant."""

    def __init__(self, message: str, nearest: str | None = None) -> None:
        super().__init__(message)
        self.nearest = nearest


def resolve(parts: list[tuple[str | int, bool]], schema: SourceSchema) -> Path:
    """The path that these parts name, each with whether it was quoted. Raises NoFieldError.

    A name is taken as it is spelled; a bare one in another case is taken where only one field could be meant.
    """
    first, quoted = parts[0]
    field = _named(str(first), quoted, schema.fields, f"source {schema.source}")
    names: list[str | int] = [field.name]
    for part, part_quoted in parts[1:]:
        field = _position(int(part), field, names) if isinstance(part, int) else _part(part, part_quoted, field, names)
        names.append(part if isinstance(part, int) else field.name)
    try:
        check_format(field.type, field.format)
    except ValueError as error:
        raise NoFieldError(f"the schema's format of {path_text(tuple(names))} cannot be: {error}") from None
    return Path(path_text(tuple(names)), _value_type(field), field.format, field.carrier)


def _value_type(field: Field) -> DataType:
    """A list of lists or of records is JSON as a value: its parts are reached by paths, or by json_value."""
    return JSON if field.type.is_nested and field.carrier != "typed" else field.type


def _named(name: str, quoted: bool, fields: tuple[Field, ...], where: str) -> Field:
    exact = next((field for field in fields if field.name == name), None)
    if exact is not None:
        return exact
    alike = [field for field in fields if field.name.lower() == name.lower()]
    if len(alike) == 1 and not quoted:
        return alike[0]
    if len(alike) > 1:
        spelled = ", ".join(f'"{field.name}"' for field in alike)
        raise NoFieldError(f"{name} could be any of {spelled}; write one of them in double quotes", alike[0].name)
    lowered = {field.name.lower(): field.name for field in fields}
    nearest = next((lowered[found] for found in get_close_matches(name.lower(), lowered, 1, 0.5)), None)
    known = f"Did you mean {nearest}?" if nearest else f"It has {', '.join([field.name for field in fields][:12])}."
    raise NoFieldError(f"{where} has no field {name}. {known}", nearest)


def _part(name: str, quoted: bool, field: Field, names: list[str | int]) -> Field:
    here = path_text(tuple(names))
    if field.type.kind == "list":
        raise NoFieldError(f"{here} is a list; write {here}[1].{name} for a part of its first element")
    if field.type.kind == "json":
        raise NoFieldError(f"{here} is json; write json_value({here}, '{name}')")
    if field.type.kind != "record":
        raise NoFieldError(f"{here} is {field.type} and has no parts")
    children = field.children or tuple(
        Field(name=own, type=kind, carrier="typed" if field.carrier == "typed" else "mixed")
        for own, kind in field.type.fields
    )
    return _named(name, quoted, children, here)


def _position(index: int, field: Field, names: list[str | int]) -> Field:
    here = path_text(tuple(names))
    if field.type.kind != "list" or field.type.element is None:
        raise NoFieldError(f"{here} is {field.type} and no list")
    if index < 1:
        raise NoFieldError(f"positions in a list count from 1: {here}[1]")
    child = field.child(ELEMENT)
    if child is not None:
        return child
    return Field(name=ELEMENT, type=field.type.element, carrier="typed" if field.carrier == "typed" else "mixed")
