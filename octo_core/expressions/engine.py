"""What an engine says in its own way; all else about rendering is the same for every engine (`rendering.py`)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from octo_core.types import DataType

if TYPE_CHECKING:
    from octo_core.expressions.functions import Duck, Function, Spark

NEVER: Final = "NULL"
SHOWN: Final = 80
"""How much of a value a reason shows."""


@dataclass(frozen=True, slots=True)
class Change:
    """SQL of the new value, NULL where it cannot be; and the words after the old value then, None if it always can."""

    value: str
    reason: str | None = None
    """SQL of text, which follows the value in the sentence; it may look at the old value."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """`value` never raises; `reason` is NULL, or why the row has no value. Both may name `lets`, in their order."""

    value: str
    reason: str
    lets: tuple[tuple[str, str], ...] = ()

    @property
    def can_fail(self) -> bool:
        return self.reason != NEVER


@dataclass(frozen=True)
class Engine:
    """SQL of names, constants, types and changes of type. What is said of DuckDB's below holds of each."""

    name: Callable[[str], str]
    """A quoted column."""
    text: Callable[[str], str]
    """A text literal."""
    native: Callable[[DataType], str]
    """The type in which values of a kind are."""
    from_token: Callable[[str, DataType, str | None], Change]
    """A text token, cheap to repeat, read as a type by a format."""
    change: Callable[[str, DataType, DataType, bool], Change]
    """A value, cheap to repeat, as another type; True where a cast was written."""
    text_of_value: Callable[[str, DataType], str]
    """The one text of a value, the same whatever the session's settings."""
    typed: Callable[[str, DataType], str]
    """A natively typed column (Parquet's) as our types have it."""
    rendering: "Callable[[Function], Duck | Spark | None]"
    """The table's rendering for this engine."""
