"""How a micro-batch is judged: with the newest rows before it, for by itself it may be too small to say anything."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from octo_core.errors import QuarantineLimit
from octo_core.ledger import LoadResult, TableLedger
from octo_core.streaming import DRIFT_FROM, WINDOW, Window
from octo_resources.engines.duckdb import Tally
from octo_resources.engines.protocol import Engine
from octo_resources.flow.planning import Prepared
from octo_resources.flow.underway import Judging
from octo_resources.flow.work import Work
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_resources.kafka.letters import DeadLetters


class Streamed(Judging):
    """What a stream remembers of its newest micro-batches. `letters`: how many the newest sent to the dead letters."""

    def __init__(self, space: Workspace, pipeline: Pipeline, prepared: Prepared, sources: Sequence[str]) -> None:
        super().__init__(pipeline)
        self._space, self._prepared = space, prepared
        self._window = Window(pipeline.spec.quarantine)
        self._tallies: dict[tuple[str, str], deque[Tally]] = {}
        self._now: dict[tuple[str, str], Tally] = {}
        self._signatures: dict[tuple[str, ...], str] = {}
        self.letters = 0
        self.stamps: NDArray[np.int64] = np.array([], np.int64)
        """When messages of the newest were produced, as far as its load's tasks tell; ms since 1970."""
        self._dead: DeadLetters | None = None
        self._remember(space, pipeline, sources)

    def _remember(self, space: Workspace, pipeline: Pipeline, sources: Sequence[str]) -> None:
        """The newest rows that were loaded before: a stream that is started again forgets nothing."""
        del sources
        loads, read = [], 0
        for one in space.destination(pipeline).loads(pipeline.name, limit=200):
            loads.append(one)
            read += max((int(row["read"]) for row in one["tables"].values()), default=0)
            if read >= WINDOW:
                break
        names = TableLedger.model_fields.keys()
        for one in reversed(loads):
            found = {
                table: TableLedger.model_validate({name: row[name] for name in names})
                for table, row in one["tables"].items()
            }
            self._window.add(found)

    def begin(self, source: str, tables: Sequence[str]) -> None:
        """A micro-batch of a source begins."""
        self._now, self.letters = {}, 0
        wanted = tuple(sorted(tables))
        if wanted not in self._signatures:
            self._signatures[wanted] = self._signature(wanted)
        self.signature = self._signatures[wanted]
        del source

    def _signature(self, wanted: Sequence[str]) -> str:
        """The approved catalog's signature over these tables, taken once."""
        catalog = self._prepared.catalog
        if set(wanted) == set(catalog.tables):
            return catalog.signature
        destination = self._space.destination(self._pipeline)
        part = destination.signature(wanted)  # taken first: if the whole is unchanged after it, so was the part
        return part if destination.signature(catalog.tables) == catalog.signature else ""

    def wide(self, table: str, source: str, tally: Tally) -> tuple[Tally, int]:
        """The counts of this micro-batch with those of the rows before it."""
        self._now[table, source] = tally
        whole = Tally()
        whole.add(tally)
        for before in reversed(self._tallies.get((table, source), ())):
            if whole.rows_read >= DRIFT_FROM:
                break
            whole.add(before)
        return whole, DRIFT_FROM

    def within(self, ledgers: Mapping[str, TableLedger]) -> None:
        said = self._window.over(ledgers)
        if said is not None:
            raise QuarantineLimit(
                f"{said}; nothing of this micro-batch was loaded",
                where=self._pipeline.name,
                hint=f"See why: octopipe plan {self._pipeline.name}. Mend the mapping or source, or raise the limit; "
                "then start the stream again: it goes on where it stood.",
            )

    def aside(self, engine: Engine, works: Sequence[Work]) -> None:
        """Send what is set aside to the dead letters too, before the commit: at least once."""
        told = [one for work in works for tally in work.scan.batches.values() for one in tally.told.values()]
        self.stamps = np.array([stamp for one in told for stamp in one.stamps], np.int64)
        topic = self._pipeline.spec.stream.dead_letters if self._pipeline.spec.stream else None
        if topic is None or not any(work.ledger().quarantined for work in works):
            return
        from octo_resources.flow.setting_aside import rejected_rows
        from octo_resources.kafka.letters import DeadLetters

        if self._dead is None:
            self._dead = DeadLetters(self._space, self._pipeline, topic)
        self.letters = self._dead.send(row for work in works for row in rejected_rows(engine, work))

    def committed(self, result: LoadResult) -> None:
        """Remember the micro-batch's counts."""
        self._window.add(result.tables)
        for place, tally in self._now.items():
            seen = self._tallies.setdefault(place, deque())
            seen.append(tally)
            while sum(one.rows_read for one in seen) - seen[0].rows_read >= DRIFT_FROM:
                seen.popleft()
