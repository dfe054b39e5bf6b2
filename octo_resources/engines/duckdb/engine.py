"""The embedded engine: evaluates a mapping over landed batches in one bounded pass."""

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from octo_core.errors import NotSupportedYet, TooMuch
from octo_core.expressions import Node, select_duckdb, to_duckdb
from octo_core.schema import SourceSchema
from octo_resources.engines.duckdb.delimited import DelimitedFile
from octo_resources.engines.duckdb.evaluate import Pass
from octo_resources.engines.duckdb.inputs import Input, Numbered, groups
from octo_resources.engines.duckdb.jsonl import JsonLines
from octo_resources.engines.duckdb.lines import Feed
from octo_resources.engines.duckdb.parquet import parquet_batches
from octo_resources.engines.duckdb.payloads import payloads, records
from octo_resources.engines.duckdb.pretty import pretty
from octo_resources.engines.duckdb.preview import Preview, Previewing
from octo_resources.engines.duckdb.remembered import Remembered
from octo_resources.engines.duckdb.scan import Refused, Scan, Tally
from octo_resources.engines.duckdb.select import Evaluation, Tombstones, evaluation, identifier
from octo_resources.engines.duckdb.session import Session
from octo_resources.engines.duckdb.variables import LoadVariables

if TYPE_CHECKING:
    from octo_resources.engines.duckdb.shapes.made import Made, Maker


class DuckEngine:
    """DuckDB inside this process. `memory`: bytes it may use; `temp`: a folder for what does not fit.

    Every call opens a database of its own, so that one engine serves several threads; with `remembered` a call goes on
    in that of the call before it.
    """

    name: Final[Literal["duckdb"]] = "duckdb"

    def __init__(
        self,
        *,
        memory: int | None = None,
        threads: int | None = None,
        temp: Path,
        remembered: Remembered | None = None,
    ) -> None:
        self._memory, self._threads, self._temp = memory, threads, temp
        self._remembered = remembered

    def scan(self, limit: int | None = None, keys: Sequence[str] = ()) -> Scan:
        """An empty account for one `evaluate`, of at most about `limit` rows, that keeps the `keys` of refused ones."""
        return Scan(self._temp, limit, keys)

    def evaluate(
        self,
        inputs: Sequence[Input],
        schema: SourceSchema,
        columns: Mapping[str, Node],
        variables: LoadVariables,
        scan: Scan,
        tombstones: Tombstones | None = None,
    ) -> pa.RecordBatchReader:
        """The good rows: target columns in their Arrow types, and `_row`. `scan` is complete when the reader is.

        `tombstones`: where rows may be such; they have `_deleted` then, unless they are passed over.
        Bad data raises nothing: it is in the scan. LandingError where a file cannot be read.
        """
        found = evaluation(schema, columns, tombstones)
        rows = self._rows(inputs, schema, found, variables, scan, detail=False)
        return pa.RecordBatchReader.from_batches(found.schema, rows)

    def preview(
        self,
        inputs: Sequence[Input],
        schema: SourceSchema,
        columns: Mapping[str, Node],
        variables: LoadVariables,
        *,
        key: Sequence[str],
        sample_rows: int,
        reasons: int,
        limit: int | None = None,
        tombstones: Tombstones | None = None,
        seconds: float | None = None,
    ) -> Preview:
        """What `evaluate` would give and refuse, over all rows, in memory that does not grow with them.

        `key`: target columns; `sample_rows`: rows shown before and after; `reasons`: most reasons named; `limit`: about
        so many rows are looked at, all when left out. `seconds`: how long it may take: TooMuch is raised then, or where
        memory does not reach.
        """
        scan = self.scan(limit)
        found = evaluation(schema, columns, tombstones)
        previewing = Previewing(found, key, sample_rows, reasons, self._temp)
        for batch in self._rows(inputs, schema, found, variables, scan, detail=True, seconds=seconds):
            previewing.add(batch)
        if scan.malformed:
            previewing.malformed(scan.refused)
        wanted = np.array(previewing.wanted_payloads(), np.int64)
        texts = dict(payloads(inputs, wanted)) if len(wanted) else {}
        return previewing.done(scan, inputs, texts)

    def payloads(self, inputs: Sequence[Input], rows: "NDArray[np.int64]") -> Iterator[tuple[int, str]]:
        """(row, original text) of sorted row numbers, e.g. `scan.refused.rows()`; `inputs` as `evaluate` got them."""
        return payloads(inputs, rows)

    def records(self, inputs: Sequence[Input], schema: SourceSchema, limit: int) -> list[dict[str, Any]]:
        """The first records: every field's exact token by its name, the schema's fields first."""
        order = {field.name: place for place, field in enumerate(schema.fields)}
        found = records(inputs, limit)
        return [dict(sorted(one.items(), key=lambda item: order.get(item[0], len(order)))) for one in found]

    def bringing(
        self,
        inputs: Sequence[Input],
        schema: SourceSchema,
        columns: Mapping[str, Node],
        variables: LoadVariables,
        scan: Scan,
        tombstones: Tombstones | None = None,
    ) -> None:
        """None: all rows come through this process."""

    def make(self, inputs: Sequence[Input], maker: "Maker", folder: Path) -> "tuple[Made, dict[str, Tally]]":
        """Files of the landed ones, made in this process."""
        return maker.make(inputs, folder)

    def cancel(self) -> None:
        """Nothing: who takes the rows stops taking them."""

    def links(self) -> dict[str, str]:
        """No page shows more than the load's own account."""
        return {}

    def sql(self, schema: SourceSchema, columns: Mapping[str, Node]) -> str:
        """The SELECT of a mapping as the plan shows it: values and, under `name!`, why a row has none."""
        rendered = {name: to_duckdb(node) for name, node in columns.items()}
        return pretty(select_duckdb(rendered, identifier(schema.source)))

    def _rows(
        self,
        inputs: Sequence[Input],
        schema: SourceSchema,
        wanted: Evaluation,
        variables: LoadVariables,
        scan: Scan,
        *,
        detail: bool,
        seconds: float | None = None,
    ) -> Iterator[pa.RecordBatch]:
        session, whole = self._session(variables, seconds), False
        try:
            fields = [field.name for field in schema.fields]
            work = Pass(session, wanted, fields, scan, detail=detail)
            for batch, form, files in groups(inputs):
                scan.count(batch, Tally())
                with closing(self._group(work, schema, batch, form, files)) as found:
                    for rows in found:
                        yield rows
                        if scan.enough:
                            return
                        if session.expired:
                            raise TooMuch("it takes too long")
            whole = True
        except Exception as error:
            if seconds is None or not (session.expired or "Out of Memory" in str(error)):
                raise
            raise TooMuch("it takes too long" if session.expired else "it takes too much memory") from error
        finally:
            if whole and seconds is None and self._remembered is not None:
                self._remembered.leave((self._memory, self._threads), session)
            else:
                session.close()

    def _session(self, variables: LoadVariables, seconds: float | None) -> Session:
        def made() -> Session:
            return Session(memory=self._memory, threads=self._threads, temp=self._temp, variables=variables)

        if seconds is None and self._remembered is not None:
            return self._remembered.take((self._memory, self._threads), variables, made)
        session = made()
        if seconds is not None:
            session.end_after(seconds)
        return session

    def _group(
        self, work: Pass, schema: SourceSchema, batch: str, form: str, files: Sequence[Numbered]
    ) -> Generator[pa.RecordBatch, None, None]:
        if form == "jsonl":
            yield from JsonLines(work, batch, files, held=self._remembered is not None).good()
            return
        if form not in ("csv", "parquet"):
            raise NotSupportedYet(f"the engine does not read {form} files", where=str(files[0].input.path))

        def refuse(rows: list[Refused]) -> None:
            work.refuse(batch, rows)

        def count(rows: int, missing: Sequence[str], new: Sequence[str]) -> None:
            work.scan.count(
                batch,
                Tally(missing=Counter(dict.fromkeys(missing, rows)), new_fields=Counter(dict.fromkeys(new, rows))),
            )

        def unfit(fields: Mapping[str, int]) -> None:
            work.scan.count(batch, Tally(unfit=Counter(fields)))

        def read(numbered: Numbered) -> Iterator[pa.RecordBatch]:
            paths = work.evaluation.paths
            if form == "csv":
                return DelimitedFile(numbered, paths, work.fields, refuse, count).batches()
            return parquet_batches(numbered, paths, schema, refuse, count, unfit)

        feed = Feed(files, read)
        for found in work.stream(feed, "octo_tokens", work.query("octo_tokens", delimited=form == "csv")):
            yield from work.settle(batch, found)
