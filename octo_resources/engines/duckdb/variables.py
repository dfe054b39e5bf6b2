"""What an expression may know of its load: fixed before the first row, the same for all of them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class LoadVariables:
    """`load_time` has a zone. `pseudonym_key` is secret: it is neither printed nor put into SQL text."""

    load_time: datetime
    load_id: str
    pseudonym_key: bytes | None = field(default=None, repr=False)

    @classmethod
    def for_plans(cls, pseudonym_key: bytes | None = None) -> "LoadVariables":
        """What a plan shows in place of a load that has not begun: now, and an id that no load has."""
        return cls(datetime.now(UTC), "0" * 26, pseudonym_key)
