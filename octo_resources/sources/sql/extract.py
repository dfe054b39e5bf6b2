"""Extraction from a database: one snapshot, read in ranges into the Parquet files of one batch."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from octo_core.batch import Batch
from octo_core.errors import SourceError
from octo_core.schema import Declared
from octo_core.spec.sources import SampleLimits, SqlSource, landing_of
from octo_resources.landing import BatchWriter, Landing
from octo_resources.sources.cursor import newest as newest_of
from octo_resources.sources.place import Place, Progress
from octo_resources.sources.resume import Resume
from octo_resources.sources.sql.address import SqlAddress, explained
from octo_resources.sources.sql.parts import Parts, Tally, open_scale
from octo_resources.sources.sql.ranges import ranges
from octo_resources.sources.sql.reader import OddValues
from octo_resources.sources.sql.relation import opened, ordered_column
from octo_resources.sources.sql.shape import Described, Relation, SqlColumn
from octo_resources.sources.sql.start import SqlStart, of_one_order, start_of, usable
from octo_resources.sources.sql.statement import Bound
from octo_resources.sources.sql.unread import may_be_unread, unread_files

if TYPE_CHECKING:
    from octo_resources.sources.sql.overlap import RangeRepeats, Repeats
    from octo_resources.sources.sql.reader import Reader


AT_ONCE: Final = 8
"""Ranges that are read at once, each by a connection."""


def extract_sql(
    spec: SqlSource,
    pipeline: str,
    source: str,
    place: Place,
    landing: Landing,
    since: str | None,
    full: bool,
    progress: Progress,
    *,
    once: bool = False,
    resume: Resume | None = None,
    limits: SampleLimits | None = None,
    unread: bool = False,
) -> Batch | None:
    """See `octo_resources.sources.extract`; call it under the source's lock. With `limits` only so much is read.

    `unread`: no row is read, where the tasks of the load can: the batch says which ranges. Rows that are appended past
    a cursor are read all the same, as those that came before have to be left out.
    """
    history = landing.history(pipeline, source)
    start = start_of(spec.cursor, history, resume, since, full)
    together = min(spec.split.parts, AT_ONCE) if spec.split and limits is None else 1
    with opened(spec, place, together) as (address, reader, relation, found):
        cursor = ordered_column(found, spec.cursor.field, "cursor.field") if spec.cursor else None
        if cursor is not None:
            of_one_order(start, history, cursor, pipeline)
        repeats, start = _repeats(landing, pipeline, source, found, cursor, start) if once and cursor else (None, start)
        bounds = start.bounds(cursor, address.kind)
        with explained(address):
            top = usable(cursor, reader.ends(relation, cursor, bounds)[1]) if cursor is not None else None
        if start.position is not None and top is None:
            return None
        newest = _newer(start.position, top, spec)
        with landing.begin(pipeline, source) as writer:
            if unread and repeats is None and may_be_unread(reader):
                with explained(address):
                    files = unread_files(spec, reader, relation, found, start, top, address.kind)
                return _commit(spec, writer, found, Tally(files=list(files)), start, newest, resume, None)
            run = _Run(spec, address, reader, relation, found.columns, bounds, repeats, progress, limits)
            tally = run.read(writer.folder, found)
            if start.position is not None and not tally.rows:
                return None
            return _commit(spec, writer, found, tally, start, newest, resume, run)


def _repeats(
    landing: Landing, pipeline: str, source: str, found: Described, cursor: SqlColumn, start: SqlStart
) -> "tuple[Repeats, SqlStart]":
    """What leaves out the rows that came before; where nobody remembers them, reading goes on past the position."""
    from octo_resources.sources.sql.overlap import Repeats, digests_beside

    known = digests_beside(landing.folder(pipeline, source) / start.batch) if start.batch else None
    if start.position is not None and known is None:
        start = replace(start, asked=start.position, strictly=True)
    return Repeats(found.columns, cursor, known or Counter(), start.position), start


def _newer(position: str | None, top: str | None, spec: SqlSource) -> str | None:
    """Reading from an earlier value on does not take the position back."""
    form = spec.cursor.format if spec.cursor else None
    return newest_of([one for one in (position, top) if one is not None], form)


class _Run:
    """One reading of a relation."""

    def __init__(
        self,
        spec: SqlSource,
        address: SqlAddress,
        reader: "Reader",
        relation: Relation,
        columns: tuple[SqlColumn, ...],
        bounds: tuple[Bound, ...],
        repeats: "Repeats | None",
        progress: Progress,
        limits: SampleLimits | None,
    ) -> None:
        self._spec, self._address, self._reader, self._relation = spec, address, reader, relation
        self._columns, self._bounds, self.repeats = columns, bounds, repeats
        self._progress, self._limits = progress, limits
        self.stopped = False
        """Whether it ended before the relation did."""

    def read(self, folder: Path, found: Described) -> Tally:
        """Everything within the bounds into files of `folder`."""
        tally = Tally()
        every, kept = self._ranges(found), landing_of(self._spec) == "copy"
        parts = [Parts(folder, f"range-{place:03d}", self._columns, tally, kept=kept) for place in range(len(every))]
        try:
            if len(every) > 1 and self._reader.shares_snapshot:
                with ThreadPoolExecutor(max_workers=min(len(every), AT_ONCE)) as pool:
                    for done in [pool.submit(self._range, *one) for one in zip(parts, every, strict=True)]:
                        done.result()
            else:
                for part, bounds in zip(parts, every, strict=True):
                    self._range(part, bounds)
            if not tally.files:
                parts[0].nothing()
        finally:
            for part in parts:
                part.abandon()
        tally.files.sort(key=lambda file: file.path)
        return tally

    def _ranges(self, found: Described) -> list[tuple[Bound, ...]]:
        split = self._spec.split
        if split is None or self._limits is not None or split.parts == 1:
            return [()]
        name = split.by or next(iter((*self._spec.key, *found.key)), None)
        if name is None:
            raise SourceError(
                f"{self._relation} has no key to split by",
                where="split",
                hint="Say by which column: split: {by: id, parts: 4}.",
                retryable=False,
            )
        column = ordered_column(found, name, "split.by")
        with explained(self._address):
            least, most = self._reader.ends(self._relation, column, self._bounds)
        return ranges(column, least, most, split.parts)

    def _range(self, parts: Parts, bounds: tuple[Bound, ...]) -> None:
        columns: Sequence[SqlColumn] = self._columns
        while True:
            try:
                with explained(self._address):
                    self._rows(parts, columns, bounds)
                parts.close()
                return
            except OddValues as odd:
                parts.start_again()
                columns = [replace(one, wire="text") if one.name in odd.columns else one for one in columns]

    def _rows(self, parts: Parts, columns: Sequence[SqlColumn], bounds: tuple[Bound, ...]) -> None:
        limits = self._limits
        rows = self._reader.rows(self._relation, columns, (*self._bounds, *bounds), limits.rows if limits else None)
        tally, fresh_of = parts.tally, self._range_repeats()
        with closing(rows):
            for arrays in rows:
                fresh = fresh_of.less_known(arrays) if fresh_of is not None else arrays
                if len(fresh[0]):
                    parts.add(fresh)
                self._progress(tally.rows, tally.bytes, str(self._relation))
                if limits is not None and tally.bytes >= limits.bytes:
                    self.stopped = True
                    break
        if fresh_of is not None:
            fresh_of.done()
        self.stopped = self.stopped or (limits is not None and tally.rows >= limits.rows)

    def _range_repeats(self) -> "RangeRepeats | None":
        from octo_resources.sources.sql.overlap import RangeRepeats

        return None if self.repeats is None else RangeRepeats(self.repeats)


def _commit(
    spec: SqlSource,
    writer: BatchWriter,
    found: Described,
    tally: Tally,
    start: SqlStart,
    newest: str | None,
    resume: Resume | None,
    run: _Run | None,
) -> Batch:
    if run is not None and run.repeats is not None and spec.cursor is not None:
        run.repeats.write(writer.folder, tally.files, newest, spec.cursor.lag, spec.cursor.format)
    return writer.commit(
        tuple(tally.files),
        landing="copy" if landing_of(spec) == "copy" else "off",
        rows=tally.rows if run is not None else None,
        size=tally.bytes,
        cursor_from=start.told,
        cursor_to=newest,
        full=start.asked is None and not (run is not None and run.stopped),
        epochs=resume.epochs if resume is not None and landing_of(spec) == "off" else None,
        declared=tuple(_declared(open_scale(column, tally)) for column in found.columns),
        declared_key=found.key,
    )


def _declared(column: SqlColumn) -> Declared:
    return Declared(
        name=column.name,
        type=column.type,
        nullable=column.nullable,
        description=column.comment,
        carrier="text" if column.as_text else "typed",
    )
