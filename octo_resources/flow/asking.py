"""Ask the destination what a load would do: which rows break its rules, what would be inserted, updated, left alone."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from octo_core.batch import LandedFile
from octo_core.errors import OctopipeError
from octo_resources.cells import read_cells
from octo_resources.destinations.writing import Rejected
from octo_resources.engines.duckdb import DuckEngine, Input, LoadVariables, landed_row, split_row
from octo_resources.flow.write_job import deletes_of, kept_keys, tombstones_of, write_job
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    import pyarrow as pa

    from octo_resources.destinations.postgres.examine import Examination
    from octo_resources.flow.planning import Prepared

MOST_REASONS = 50


@dataclass(frozen=True, slots=True)
class Refusal:
    """Rows that the destination would refuse for one reason, and the first of them."""

    column: str | None
    reason: str
    rows: int
    first_row: int
    row: dict[str, Any]
    quotes: bool = False
    """Whether the reason may quote any value of the row."""

    @property
    def kind(self) -> str:
        return "the table refuses it" if self.quotes else self.reason


@dataclass(slots=True)
class Answer:
    """What the destination said. `would` is None where it could not be asked; `warnings` say why."""

    would: dict[str, int] | None = None
    refused: int = 0
    hopeless: bool = False
    """Whether no row can load, whatever it holds: a column that needs a value has nothing that feeds it."""
    reasons: list[Refusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Asked:
    """One table's question."""

    def __init__(self, examination: "Examination", pipeline: Pipeline, prepared: "Prepared", table: str) -> None:
        self.examination, self.pipeline, self.prepared = examination, pipeline, prepared
        self.recipe = prepared.recipe.tables[table]
        self.table = prepared.catalog.tables[table]
        self.nodes = prepared.nodes(table)

    def ask(
        self, engine: DuckEngine, inputs: Sequence[Input], variables: LoadVariables, limit: int | None = None
    ) -> Answer:
        """Stage the good rows (about `limit` of them) there and see.

        A plan never fails of it: what cannot be asked is a warning.
        """
        unfed = [column.name for column in self.table.columns if column.required and column.name not in self.nodes]
        keys = [name for name in self.recipe.key if name not in self.nodes]
        for names, why in ((unfed, "and no null is taken there"), (keys, "which the key needs")):
            if names:
                said = f"{self.table.name}: nothing feeds {', '.join(names)}, {why}: no row loads"
                return Answer(hopeless=True, warnings=[said])
        try:
            return self._asked(engine, inputs, variables, limit)
        except OctopipeError as error:
            return Answer(warnings=[f"{self.table.name}: its own rules were not tried: {error.message}"])

    def _asked(
        self, engine: DuckEngine, inputs: Sequence[Input], variables: LoadVariables, limit: int | None
    ) -> Answer:
        schema = self.prepared.schemas[self.recipe.source]
        scan = engine.scan(limit, kept_keys(self.recipe, self.nodes))

        def rows() -> "pa.RecordBatchReader":
            return engine.evaluate(inputs, schema, self.nodes, variables, scan, tombstones)

        others = frozenset(self.prepared.catalog.tables) - {self.table.name}
        # A plan over a sample, or over a part of a source, cannot know what is absent.
        whole = limit is None and all(one.batch.full for one in inputs)
        deletes = deletes_of(self.pipeline, self.table, self.recipe, lambda: scan, whole=whole)
        tombstones = tombstones_of(self.pipeline, self.recipe)
        job = write_job(self.table, self.recipe, self.nodes, lambda: scan, deletes=deletes)
        outcome = self.examination.examine(job, rows, others, all_rows=limit is None)
        would = {
            "inserted": outcome.inserted,
            "updated": outcome.updated,
            "unchanged": outcome.unchanged,
            "deduplicated": outcome.deduplicated,
            "removed": outcome.removed,
        }
        if deletes is not None or tombstones is not None:
            passed = scan.total.gone if tombstones is not None and tombstones.passed_over else 0
            would |= {"tombstoned": outcome.tombstoned + passed, "soft_deleted": outcome.soft_deleted}
        reasons = self._reasons(engine, inputs, outcome.rejected)
        return Answer(would, len(outcome.rejected), reasons=reasons, warnings=list(outcome.warnings))

    def _reasons(self, engine: DuckEngine, inputs: Sequence[Input], rejected: Any) -> list[Refusal]:
        counts: dict[tuple[str | None, str], int] = {}
        first: dict[tuple[str | None, str], Rejected] = {}
        for one in rejected:
            place = (one.column, one.reason)
            counts[place] = counts.get(place, 0) + 1
            first.setdefault(place, one)
        most = sorted(counts, key=lambda place: -counts[place])[:MOST_REASONS]
        wanted = np.array(sorted({first[place].row for place in most}), dtype=np.int64)
        rows = dict(_rows(engine, inputs, wanted)) if len(wanted) else {}
        return [
            Refusal(
                column, reason, counts[column, reason], landed_row(inputs, one.row), rows.get(one.row, {}), one.quotes
            )
            for column, reason in most
            for one in [first[column, reason]]
        ]


def _rows(engine: DuckEngine, inputs: Sequence[Input], wanted: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows by their numbers, each as field → token."""
    for row, payload in engine.payloads(inputs, wanted):
        yield row, _tokens(payload, inputs[split_row(row)[0]].file)


def _tokens(payload: str, file: LandedFile) -> dict[str, Any]:
    if file.format == "csv" and file.dialect is not None:
        dialect = file.dialect
        reader = read_cells(io.StringIO(payload), delimiter=dialect.delimiter, quotechar=dialect.quote or None)
        return dict(zip(dialect.columns, next(reader, []), strict=False))
    try:
        found = json.loads(payload, parse_int=str, parse_float=str)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
