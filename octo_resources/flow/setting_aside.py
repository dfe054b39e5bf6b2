"""Rows that a load cannot write: gathered with their payloads, and counted against the pipeline's limits."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from octo_core.errors import QuarantineLimit
from octo_core.ledger import QuarantinedRow, TableLedger
from octo_resources.engines.duckdb import split_row
from octo_resources.engines.protocol import Engine
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_resources.flow.work import Work

RATIO_FROM = 1000
"""A ratio says nothing of a few rows: it counts from so many on."""


def within_limits(pipeline: Pipeline, ledgers: Mapping[str, TableLedger]) -> None:
    """Raise QuarantineLimit where a table set aside more than the pipeline's `quarantine` allows."""
    limits = pipeline.spec.quarantine
    for table, ledger in ledgers.items():
        ratio = ledger.quarantined / ledger.read if ledger.read else 0.0
        over_rows = limits.max_rows is not None and ledger.quarantined > limits.max_rows
        over_ratio = limits.max_ratio is not None and ledger.read >= RATIO_FROM and ratio > limits.max_ratio
        if over_rows or over_ratio:
            allowed = f"max_rows: {limits.max_rows}" if over_rows else f"max_ratio: {limits.max_ratio}"
            raise QuarantineLimit(
                f"{ledger.quarantined:,} of {ledger.read:,} rows would be set aside, and `{allowed}` allows fewer; "
                "nothing was loaded",
                where=f"{pipeline.name}: {table}",
                hint=f"See why: octopipe plan {pipeline.name}. Mend the mapping or the source, or raise the limit.",
            )


def rejected_rows(engine: Engine, work: "Work") -> Iterator[QuarantinedRow]:
    """Every row that the engine or the destination refused, with its payload as it came, in the order of the rows.

    A row that several columns refuse is there once, for the first of them.
    """
    refused: list[Any] = [*work.scan.refused, *(work.outcome.rejected if work.outcome else ())]
    if not refused:
        return
    by_row = {one.row: one for one in reversed(refused)}
    wanted = np.array(sorted(by_row), dtype=np.int64)
    for row, payload in engine.payloads(work.inputs, wanted):
        yield _row(work, by_row[row], payload)


def _row(work: "Work", one: Any, payload: str) -> QuarantinedRow:
    ordinal, number = split_row(one.row)
    place = work.inputs[ordinal]
    landed = place.file if place.origin is None else place.origin.file
    name = f"{place.batch.id}:{place.batch.files.index(landed)}"
    if place.origin is not None:
        number, nth = place.origin.place(number)
        name = f"{name}:{number}:{nth}"
    else:
        name = f"{name}:{number}"
    return QuarantinedRow(
        id=name,
        batch=place.batch.id,
        source=place.batch.source,
        table=work.table,
        row=number,
        file=landed.path,
        reason=one.reason,
        column=one.column,
        value=one.value,
        payload=payload,
    )
