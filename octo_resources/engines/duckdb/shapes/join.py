"""`join`: the rows of one source, each with the row of others that its conditions name."""
# ruff: noqa: S608  (SQL is made of this module's own names)

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import pyarrow as pa

from octo_core.expressions import Node
from octo_core.schema import SourceSchema
from octo_core.spec.shapes import JoinWith
from octo_resources.engines.duckdb.engine import DuckEngine
from octo_resources.engines.duckdb.evaluate import BATCH
from octo_resources.engines.duckdb.inputs import Input, split_row
from octo_resources.engines.duckdb.scan import Scan
from octo_resources.engines.duckdb.session import Session
from octo_resources.engines.duckdb.shapes.made import Made, MadeFile, numbered
from octo_resources.engines.duckdb.shapes.members import NULL, joined, rows
from octo_resources.engines.duckdb.variables import LoadVariables

_TEXTS: Final = pa.schema({"_row": cast(pa.DataType, pa.int64()), "text": pa.large_string()})


@dataclass(frozen=True)
class Side:
    """One source of a join: its files, and the expressions that its rows are found by."""

    name: str
    inputs: Sequence[Input]
    schema: SourceSchema
    keys: Mapping[str, Node]
    """Name of a column → expression of a condition."""
    identity: Mapping[str, Node] = field(default_factory=dict)
    """What makes a record the same record: of several the newest counts. None is left out where nothing does."""


@dataclass
class Joined:
    """What a join made, and what it saw of the sources that were looked up."""

    made: Made
    unmatched: Counter[str] = field(default_factory=Counter)
    """Name of a joined source → rows that found none of it."""
    scans: dict[str, Scan] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)
    """Name of a joined source → rows of it that nothing can find: malformed, or their key is."""


class Joining:
    """One join; made for one use. `conditions`: each joined source with the left columns that its keys must equal."""

    def __init__(self, engine: DuckEngine, session: Session, variables: LoadVariables, folder: Path) -> None:
        self._engine, self._variables, self._folder = engine, variables, folder
        self._con = session.main
        self._left_bad: dict[int, dict[int, str]] = {}

    def run(
        self,
        left: Side,
        right: Sequence[tuple[JoinWith, Side, Sequence[tuple[str, str]]]],
        *,
        with_refused: bool,
        limit: int | None = None,
    ) -> Joined:
        """Join and write the rows, a file for each of the left side's. The pairs are (left column, right column)."""
        found = Joined(Made())
        scan = self._table("l", left, limit)
        self._refused(scan)
        for place, (one, side, _) in enumerate(right):
            seen = self._table(f"s{place}", side, None)
            found.scans[one.alias] = seen
            found.unread[one.alias] += len(seen.refused)
            self._lookup(place, one, side)
        query = self._query([(one, pairs) for one, _, pairs in right])
        with closing(self._rows(query)) as matches:
            self._write(left, [one for one, _, _ in right], matches, found, with_refused)
        found.made.rows_in = scan.rows_read
        return found

    def _table(self, name: str, side: Side, limit: int | None) -> Scan:
        """A side's rows as a table: its texts, its keys, its identity."""
        scan = self._engine.scan(limit)
        columns = {**side.keys, **side.identity}
        keys = self._engine.evaluate(side.inputs, side.schema, columns, self._variables, scan)
        self._keep(f"{name}_keys", keys)
        self._keep(f"{name}_texts", pa.RecordBatchReader.from_batches(_TEXTS, self._texts(side, limit)))
        self._con.execute(
            f"CREATE TABLE {name} AS SELECT k.*, t.text FROM {name}_keys k JOIN {name}_texts t USING (_row)"
        )
        self._con.execute(f"DROP TABLE {name}_keys; DROP TABLE {name}_texts")
        return scan

    def _keep(self, name: str, reader: pa.RecordBatchReader) -> None:
        self._con.register("octo_join", reader)
        self._con.execute(f"CREATE TABLE {name} AS SELECT * FROM octo_join")
        self._con.unregister("octo_join")

    def _texts(self, side: Side, limit: int | None) -> Iterator[pa.RecordBatch]:
        numbers: list[int] = []
        texts: list[str] = []
        for one in numbered(side.inputs):
            for row in rows(one, side.schema):
                if row.members is None:
                    continue
                if limit is not None and len(numbers) >= limit:
                    break
                numbers.append(row.row)
                texts.append(joined(row.members))
                if len(numbers) >= BATCH and limit is None:
                    yield _batch(numbers, texts)
                    numbers, texts = [], []
        yield _batch(numbers, texts)

    def _refused(self, scan: Scan) -> None:
        for one in scan.refused:
            ordinal, _ = split_row(one.row)
            reason = one.reason if one.column is None else f"join: {one.reason}"
            self._left_bad.setdefault(ordinal, {}).setdefault(one.row, reason)

    def _lookup(self, place: int, one: JoinWith, side: Side) -> None:
        """The table in which a joined source's rows are found: the newest of each, and one a key but for `many`."""
        identity = ", ".join(f'"{name}"' for name in side.identity)
        there = " AND ".join(f'"{name}" IS NOT NULL' for name in side.identity)
        newest = (
            f"SELECT * FROM s{place} QUALIFY NOT ({there}) OR "
            f"row_number() OVER (PARTITION BY {identity} ORDER BY _row DESC) = 1"
        )
        source = f"({newest})" if side.identity else f"s{place}"
        keys = ", ".join(f'"{name}"' for name in side.keys)
        made = f"SELECT {keys}, _row, 1 AS n, text FROM {source}"
        if not one.many:
            counted = "min(_row) AS _row, count(*) AS n, arg_min(text, _row) AS text"
            made = f"SELECT {keys}, {counted} FROM {source} GROUP BY {keys}"
        self._con.execute(f"CREATE TABLE r{place} AS {made}")
        self._con.execute(f"DROP TABLE s{place}")

    @staticmethod
    def _query(right: Sequence[tuple[JoinWith, Sequence[tuple[str, str]]]]) -> str:
        columns = ["l._row AS row", "l.text AS text"]
        joins, order = [], ["l._row"]
        for place, (_, pairs) in enumerate(right):
            columns += [f"r{place}.n AS n{place}", f"r{place}.text AS t{place}"]
            on = " AND ".join(f'l."{mine}" = r{place}."{other}"' for mine, other in pairs)
            joins.append(f"LEFT JOIN r{place} ON {on}")
            order.append(f"r{place}._row")
        return f"SELECT {', '.join(columns)} FROM l {' '.join(joins)} ORDER BY {', '.join(order)}"

    def _rows(self, query: str) -> Generator[dict[str, Any], None, None]:
        reader = self._con.sql(query).to_arrow_reader(BATCH)
        for batch in reader:
            yield from batch.to_pylist()

    def _write(
        self,
        left: Side,
        right: Sequence[JoinWith],
        matches: Iterator[dict[str, Any]],
        found: Joined,
        with_refused: bool,
    ) -> None:
        waiting = next(matches, None)
        for one in numbered(left.inputs):
            with MadeFile(self._folder, one, with_refused=with_refused) as file:
                while waiting is not None and split_row(waiting["row"])[0] == one.ordinal:
                    self._line(file, right, waiting, found)
                    waiting = next(matches, None)
                for row, reason in self._left_bad.get(one.ordinal, {}).items():
                    file.malformed(row, reason)
                found.made.inputs.append(file.done())
                found.made.rows_out += file.lines

    @staticmethod
    def _line(file: MadeFile, right: Sequence[JoinWith], row: dict[str, Any], found: Joined) -> None:
        more: dict[str, str] = {}
        for place, one in enumerate(right):
            number = row[f"n{place}"] or 0
            if number > 1:
                pairs = ", ".join(f"{mine} = {one.alias}.{other}" for mine, other in one.on.items())
                file.line(row["row"], row["text"], f"several rows of {one.alias} match ({pairs})")
                return
            if not number:
                found.unmatched[one.alias] += 1
                if one.kind == "inner":
                    return
            more[one.alias] = row[f"t{place}"] if number else NULL
        text = row["text"]
        added = joined(more)[1:]
        file.line(row["row"], f"{text[:-1]}, {added}" if text != "{}" else f"{{{added}")


def _batch(numbers: list[int], texts: list[str]) -> pa.RecordBatch:
    return pa.record_batch([pa.array(numbers, pa.int64()), pa.array(texts, pa.large_string())], schema=_TEXTS)
