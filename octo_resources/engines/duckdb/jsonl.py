"""Reads JSON lines: most by a grammar inside DuckDB, the others record by record, all with the same meaning."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar, cast

import pyarrow as pa

from octo_core.expressions.tree import path_parts
from octo_resources.engines.cases import mixed_up
from octo_resources.engines.duckdb.evaluate import Reading
from octo_resources.engines.duckdb.grammar import Grammar, TooWildError, sample, write
from octo_resources.engines.duckdb.inputs import Numbered
from octo_resources.engines.duckdb.json_relation import LINE, json_relation
from octo_resources.engines.duckdb.lines import Feed, lines
from octo_resources.engines.duckdb.records import RecordReader
from octo_resources.engines.duckdb.scan import Tally, malformed
from octo_resources.engines.duckdb.select import ROW
from octo_resources.engines.duckdb.session import HELD
from octo_resources.engines.duckdb.template import Template, learn

Layout = tuple[Grammar, Template | None]
Value = TypeVar("Value", int, str)
SAMPLE: Final = 400
"""Lines from which a grammar is learned: 30 to 40 ms."""
RELEARN_AFTER: Final = 20_000
"""Lines after which a grammar that refuses a tenth of them is learned anew."""
MOST_GRAMMARS: Final = 6
"""Grammars tried in one batch; after that what the last one refuses is read record by record."""
FEW: Final = 20_000
"""Lines that are taken into a table first where a plan for it may be there already."""
SIDE_ROWS: Final = 50_000
"""Rows read record by record that are evaluated together."""


class JsonLines:
    """The JSON-lines files of one batch."""

    def __init__(self, work: Reading, batch: str, files: Sequence[Numbered], *, held: bool = False) -> None:
        self._work, self._batch = work, batch
        self._feed = Feed(files, lambda one: lines(one, self._bad))
        self._reader = RecordReader(work.paths, work.fields)
        self._side: list[pa.RecordBatch] = []
        self._grammars = 0
        self._few = held and _rows(files) <= FEW
        self._place = files[0].input.batch.source, work.paths
        """What a layout is remembered by."""

    def good(self) -> Iterator[pa.RecordBatch]:
        """The rows whose expressions all succeed; everything else is in the scan by the end."""
        teacher = self._first_lines()
        while teacher is not None:
            layout = self._work.session.layouts.pop(self._place, None) or self._learn(teacher)
            if layout is None:
                yield from self._slow_segment()
                break
            refused: list[str] = []
            yield from self._fast_segment(layout, refused)
            ahead = self._first_lines(half=True)
            teacher = None if ahead is None else [*ahead, *refused[: SAMPLE // 2]]
        yield from self._flush(1)
        self._settle()

    def _first_lines(self, *, half: bool = False) -> list[str] | None:
        batch = self._feed.peek()
        if batch is None:
            return None
        wanted = SAMPLE // 2 if half else SAMPLE
        step = max(1, batch.num_rows // wanted)
        return _list(batch, "line", str)[::step][:wanted]

    def _learn(self, texts: list[str]) -> Layout | None:
        self._grammars += 1
        if mixed_up(self._work.paths):  # DuckDB's structs would take one for the other
            return None
        try:
            grammar = write(sample(texts), [path_parts(path) for path in self._work.paths])
        except TooWildError:
            return None
        return grammar, learn(texts, grammar.required)

    def _fast_segment(self, layout: Layout, examples: list[str]) -> Iterator[pa.RecordBatch]:
        """Lines until the end, or until a grammar that fits them better seems worth learning."""
        work = self._work
        relation = json_relation(layout[0], work.paths, work.fields, HELD if self._few else "octo_lines", layout[1])
        query = work.query(f"({relation.sql})", relation.extra)
        read = misfits = 0
        for found in work.held(self._feed, query) if self._few else work.stream(self._feed, "octo_lines", query):
            raw = found.column(LINE)
            asides = len(raw) - raw.null_count
            read, misfits = read + len(raw), misfits + asides
            if asides:
                aside = raw.is_valid()
                rest = found.filter(aside)
                found = found.filter(raw.is_null())
                texts = _list(rest, LINE, str)
                examples += texts[: max(0, SAMPLE - len(examples))]
                yield from self._aside(_list(rest, ROW, int), texts)
            yield from work.settle(self._batch, found, relation.missing, relation.new_fields)
            if misfits > read // 10 and read >= RELEARN_AFTER and self._grammars < MOST_GRAMMARS:
                self._feed.stop()
        if misfits <= read // 10:
            work.session.layouts[self._place] = layout

    def _slow_segment(self) -> Iterator[pa.RecordBatch]:
        """All that is left, record by record."""
        for batch in self._feed.segment():
            yield from self._aside(_list(batch, ROW, int), _list(batch, "line", str))
        self._feed.raise_error()

    def _aside(self, rows: list[int], texts: list[str]) -> Iterator[pa.RecordBatch]:
        tokens, refused = self._reader.read(rows, texts)
        self._work.refuse(self._batch, refused)
        self._side.append(tokens)
        yield from self._flush(SIDE_ROWS)

    def _flush(self, least: int) -> Iterator[pa.RecordBatch]:
        if sum(batch.num_rows for batch in self._side) >= least:
            table, self._side = pa.Table.from_batches(self._side), []
            yield from self._work.side(self._batch, table)

    def _settle(self) -> None:
        reader = self._reader
        self._work.scan.count(
            self._batch,
            Tally(missing=reader.missing, new_fields=reader.new_fields, contract_failures=reader.failures),
        )

    def _bad(self, row: int, reason: str, value: str | None) -> None:
        self._work.refuse(self._batch, [malformed(row, reason, value)])


def _rows(files: Sequence[Numbered]) -> int:
    """How many lines the files have; more than a few where nobody counted."""
    return sum(FEW + 1 if one.input.file.rows is None else one.input.file.rows for one in files)


def _list(batch: pa.RecordBatch, name: str, _: type[Value]) -> list[Value]:
    """A column without NULLs as a list."""
    return cast("list[Value]", batch.column(name).to_pylist())
