"""Which rows are set aside now: not those that were loaded or given up since, nor those of uncommitted loads."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from octo_core.ledger import QuarantinedRow
from octo_resources.flow.workspace import Workspace
from octo_resources.quarantine import Place

_UNCOMMITTED: Final = ("running", "failed", "aborted", "vanished")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: of one load, of one table, for one column; all where nothing is said."""

    load: str | None = None
    table: str | None = None
    column: str | None = None

    def has(self, load_id: str, row: QuarantinedRow) -> bool:
        of_table = self.table in (None, row.table) and self.column in (None, row.column)
        return of_table and self.load in (None, load_id)


def set_aside(space: Workspace, name: str, wanted: Wanted | None = None) -> Iterator[tuple[str, QuarantinedRow]]:
    """(load, row) of what is set aside now, the newest loads first; not of loads that never committed, whose rows
    are their batches' again."""
    store = space.quarantine
    known = {one: space.registry.executions.get(one) for one in store.loads(name)}
    loads = [load_id for load_id, one in known.items() if one is None or one.status not in _UNCOMMITTED]
    chosen = wanted or Wanted()
    return ((load_id, row) for load_id, row in store.open_rows(name, loads) if chosen.has(load_id, row))


def discard(space: Workspace, name: str, wanted: Wanted, *, by: str | None, reason: str | None) -> int:
    """Give rows up: they are neither listed nor replayed any more. Payloads go with the last row of their load.

    Gives how many; who, when and why is written down beside the quarantine.
    """
    store = space.quarantine
    places: list[Place] = []
    given_up: set[str] = set()
    left: set[str] = set()
    for load_id, row in set_aside(space, name):
        if wanted.has(load_id, row):
            places.append((row.table, row.id))
            given_up.add(load_id)
        else:
            left.add(load_id)
    if places:
        store.settle(name, "discarded", places, by=by, reason=reason)
    for load_id in given_up - left:
        store.remove(name, load_id)
    return len(places)
