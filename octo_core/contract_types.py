"""What generated models are made of: `Annotated[date, ParsedBy("date", "%d/%m/%Y")]` reads values as a source has them.

A value of such a field may be a text or a JSON value, as the source wrote it, or one that is typed already (a date, a
Decimal, a UUID …). What a load would set aside is refused.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from octo_core.reading import holdable, read_list, read_structure, read_token, token_of
from octo_core.types import TEXT, DataType, parse_type

__all__ = ["ParsedBy"]

_TYPED: Final[dict[str, tuple[type, ...]]] = {
    "date": (date,), "time": (time,), "timestamp": (datetime,), "timestamptz": (datetime,), "uuid": (uuid.UUID,),
    "bytes": (bytes,), "decimal": (Decimal,), "float32": (float,), "float64": (float,),
}  # fmt: skip
"""Instances of Python that no JSON has (or that it has as they are): taken without a format."""


@dataclass(frozen=True, slots=True)
class ParsedBy:
    """Reads the values of a field: its type as schemas write it, its format, and the words that mean null."""

    type: str
    format: str | None = None
    nulls: Sequence[str] = ()
    structure: Literal["object", "list", "any"] | None = None
    """What JSON that is taken whole has to be."""
    judged: bool | str = True
    """By what a load judges the field: its type; another one, by which the plan reads it; or nothing.

    What is not of the type and is taken nevertheless comes as that other type, or as it is.
    """
    _kind: DataType = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_kind", parse_type(self.type))
        object.__setattr__(self, "nulls", tuple(self.nulls))

    def __hash__(self) -> int:
        return hash((self.type, self.format, tuple(self.nulls), self.structure, self.judged))

    def read(self, value: object) -> object:
        """The typed value. Raises ValueError where a load would set the row aside."""
        if value is None or (isinstance(value, str) and value in self.nulls):
            return None
        if self.judged is True:
            return self._own(value)
        held = self._held(value) if self.judged in ("text", "json") else value
        try:
            return self._own(value)
        except (ValueError, RecursionError):
            numbers = isinstance(self.judged, str) and self.judged not in ("text", "json")
            return read_token(token_of(held), parse_type(str(self.judged)), self.format) if numbers else held

    def _held(self, value: object) -> object:
        """A value that a load takes as it is written, or whole as JSON."""
        return holdable(value) if self.judged == "text" else read_structure(value, self.structure or "any")

    def _own(self, value: object) -> object:
        kind = self._kind
        if self.structure is not None and kind.kind == "json":
            return read_structure(value, self.structure)
        if _is_typed(value, kind):
            return _checked(value, kind)
        if kind.kind == "list" and isinstance(value, list | tuple):
            element = kind.element or TEXT
            return [_element(one, element) for one in value]
        return read_token(token_of(holdable(value)), kind, self.format)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        if self.judged is not True:  # what comes out may be of another class than the field is shown with
            return core_schema.no_info_before_validator_function(self.read, core_schema.any_schema())
        inner = handler(source)
        if self.nulls:  # a word for null is None, inside of what may be None itself
            inner = core_schema.nullable_schema(inner)
        read = core_schema.no_info_before_validator_function(self.read, inner)
        if self.structure is None:
            return read
        # Of what may be a list of models or any list, the models are preferred: after `any` nothing is a better fit.
        return core_schema.chain_schema([read, core_schema.any_schema()])


def _element(value: object, kind: DataType) -> object:
    if isinstance(value, dict | list) and not kind.is_structured:
        raise ValueError(f"no {kind}: {value!r:.60}")  # a load sets rows with lists in lists aside
    return _checked(value, kind) if _is_typed(value, kind) else read_list([value], kind)[0]


def _is_typed(value: object, kind: DataType) -> bool:
    if kind.kind == "date" and isinstance(value, datetime):
        return False  # Python has it for a date
    return isinstance(value, _TYPED.get(kind.kind, ()))


def _checked(value: object, kind: DataType) -> object:
    if isinstance(value, datetime) and (value.tzinfo is None) != (kind.kind == "timestamp"):
        raise ValueError(f"{value} is no {kind}: it has {'no' if value.tzinfo is None else 'a'} zone")
    if isinstance(value, Decimal | float):
        return read_token(str(value), kind)
    return value
