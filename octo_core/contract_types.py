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
    _kind: DataType = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_kind", parse_type(self.type))
        object.__setattr__(self, "nulls", tuple(self.nulls))

    def __hash__(self) -> int:
        return hash((self.type, self.format, tuple(self.nulls), self.structure))

    def read(self, value: object) -> object:
        """The typed value. Raises ValueError where a load would set the row aside."""
        kind = self._kind
        if value is None or (isinstance(value, str) and value in self.nulls):
            return None
        if self.structure is not None:
            return read_structure(value, self.structure)
        if _is_typed(value, kind):
            return _checked(value, kind)
        if kind.kind == "list" and isinstance(value, list | tuple):
            element = kind.element or TEXT
            return [_element(one, element) for one in value]
        return read_token(token_of(holdable(value)), kind, self.format)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source)
        if self.nulls:  # a word for null is None, inside of what may be None itself
            inner = core_schema.nullable_schema(inner)
        return core_schema.no_info_before_validator_function(self.read, inner)


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
