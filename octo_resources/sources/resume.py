"""How far the destination is with a source: where reading goes on from when nothing of the source is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from octo_core.errors import UsageError
from octo_resources.sources.cursor import newest


@dataclass(frozen=True, slots=True)
class Resume:
    """The destination's positions of one source, table by table, as they were just before an extraction."""

    positions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Table → what the destination's position says: `batch`, `cursor`, and what the source itself put there."""
    epochs: Mapping[str, int] = field(default_factory=dict)
    """Table → how often its position has moved; 0 for one that never was loaded. All tables of the source."""
    appended: frozenset[str] = frozenset()
    """Tables whose rows are appended: what they have may not come again."""

    def agree(self) -> None:
        """UsageError where rows would be appended again, because the tables of the source are not equally far."""
        told = {str(dict(self.positions.get(table, {})).get("cursor")) for table in self.epochs}
        if len(told) > 1 and self.appended:
            raise UsageError(
                f"its tables are not equally far, and rows of {min(self.appended)} are appended: some would come twice",
                hint="write: merge with a key, a source of its own for the table that is behind, or landing: copy",
            )

    def cursor(self, format_: str | None = None) -> str | None:
        """The earliest cursor value of its tables; None where one of them has none, so that all is read."""
        found = [self.positions.get(table, {}).get("cursor") for table in self.epochs]
        known = [str(one) for one in found if one is not None]
        if not known or len(known) < len(found):
            return None
        return _earliest(known, format_)

    @property
    def batches(self) -> frozenset[str]:
        """The batches that the positions were moved by last."""
        return frozenset(str(value["batch"]) for value in self.positions.values() if value.get("batch"))


def _earliest(values: list[str], format_: str | None) -> str:
    least = values[0]
    for value in values[1:]:
        if newest((least, value), format_) == least:
            least = value
    return least
