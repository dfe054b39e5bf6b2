"""What a reader should see of a plan, before it is laid out: marks, order, examples, and nothing personal."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from octo_core.mapping.model import DOUBTFUL
from octo_core.plan.model import ColumnPlan, Plan, PlanDiff, PlannedQuarantine, SourcePlan, TablePlan
from octo_core.plan.text import MASKED, count, harmless, percent, shown
from octo_core.wording import rows_text

Mark = Literal["!", "~", "-", " "]

_NAME = r'(?:"(?:[^"]|"")*"|[^\W\d]\w*)'
_NAMES = re.compile(_NAME)
_PATHS = re.compile(rf"{_NAME}(?:\.{_NAME}|\[[0-9]+\])*")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|“[^”]*”|‹[^›]*›")
_NO_TEXT = re.compile(r"(numeric|decimal|money|date|time|interval|uuid)\b|timestamp", re.IGNORECASE)
"""Types of columns whose values JSON, in which plans are kept, writes as text."""
STATES = {
    "pending": "waits for approval",
    "approved": "approved",
    "rejected": "rejected",
    "revoked": "approval revoked",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One column of a plan as both pages show it. `sure` is empty where nothing is mapped."""

    mark: Mark
    target: str
    type: str
    source: str
    sure: str
    nulls: str
    distinct: str
    example: str
    notes: tuple[str, ...]


def rows(table: TablePlan) -> list[Row]:
    """The table's columns, doubtful ones first, what is unmapped last."""
    mapped = sorted(table.columns, key=lambda column: not doubtful(column))
    hidden = personal_fields(table)
    return [_mapped(column, table, hidden) for column in mapped] + [
        Row(
            "-",
            harmless(left.target),
            harmless(left.type),
            harmless(left.why),
            "",
            "",
            "",
            "",
            _required(left.required),
        )
        for left in table.unmapped_target
    ]


def doubtful(column: ColumnPlan) -> bool:
    """Whether a machine decided it and is not sure, or rows fail because of it."""
    return (column.layer in ("llm", "embedded") and column.confidence < DOUBTFUL) or column.failures > 0


def personal_fields(table: TablePlan) -> frozenset[str]:
    """The source's fields that feed a pii column: their values are personal wherever they show."""
    named = {name for column in table.columns if column.pii for name in names_in(column.expr)}
    return frozenset(named)


def names_in(expression: str) -> set[str]:
    """Every name in an expression, functions among them."""
    return {_unquoted(name) for name in _NAMES.findall(_without_texts(expression))}


def _paths_in(expression: str) -> set[str]:
    """Every path in an expression; a name by itself without quotes."""
    found = _PATHS.findall(_without_texts(expression))
    return {_unquoted(path) if _NAMES.fullmatch(path) else path for path in found}


def _without_texts(expression: str) -> str:
    return re.sub(r"'(?:[^']|'')*'", "''", expression)


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _top(path: str) -> str:
    found = _NAMES.match(path)
    return _unquoted(found.group() if found else path)


def _mapped(column: ColumnPlan, table: TablePlan, hidden: frozenset[str]) -> Row:
    sure = {"correction": "corrected", "file": "by file"}.get(column.layer) or percent(column.confidence)
    mark: Mark = "!" if doubtful(column) else "~" if column.converted else " "
    notes = []
    if column.why and (mark != " " or column.layer == "correction"):
        notes.append(harmless(column.why))
    if column.overrides:
        notes.append(f"overrides the {'file' if column.overrides == 'file' else column.overrides + ' proposal'}")
    if column.failures:
        notes.append(f"fails in {rows_text(column.failures)}")
    if column.truncated:
        notes.append(f"cut short in {rows_text(column.truncated)}")
    if mark == "!" and column.alternatives:
        best = column.alternatives[0]
        notes.append(f"next best: {harmless(best.expr)} ({percent(best.confidence)})")
    return Row(
        mark=mark,
        target=harmless(column.target),
        type=harmless(column.type) + ("  (pii)" if column.pii else ""),
        source=harmless(column.expr),
        sure=sure,
        nulls=count(column.nulls),
        distinct=count(column.distinct),
        example=example(column, table, hidden),
        notes=tuple(notes),
    )


def example(column: ColumnPlan, table: TablePlan, hidden: frozenset[str]) -> str:
    """`before → after` of the first row that has both, else of the first; never of a pii column."""
    if column.pii:
        return MASKED
    used = names_in(column.expr)
    if used & hidden:
        return MASKED
    with_value = [one for one in table.sample if one.after.get(column.target) is not None]
    for sample in (with_value or list(table.sample))[:1]:
        read = _paths_in(column.expr) & sample.before.keys()
        before = [
            shown(value) for name, value in sample.before.items() if (name in read if read else _top(name) in used)
        ]
        after = shown_as(column.type, sample.after.get(column.target))
        # What comes out is typed, so its text goes without quotes; what came in shows that it was text.
        after = after[1:-1] if after.startswith('"') else after
        return f"{', '.join(before)} → {after}" if before else f"→ {after}"
    return ""


def shown_after(table: TablePlan, row: dict[str, Any]) -> dict[str, str]:
    """What the table would get, by column: safe to show, and the same whether the plan is new or was kept."""
    types = {column.target: column.type for column in table.columns}
    return {name: shown_as(types.get(name, ""), value) for name, value in safe_row(table, row).items()}


def shown_as(kind: str, value: Any) -> str:
    """A value of a column of this type; what was kept as JSON reads as it did before."""
    if not isinstance(value, str) or value == MASKED or not _NO_TEXT.match(kind):
        return shown(value)
    if kind.lower().startswith("timestamp"):
        with suppress(ValueError):
            return str(datetime.fromisoformat(value))
    return harmless(value)


def _required(required: bool) -> tuple[str, ...]:
    return ("a row without a value for it is refused",) if required else ()


def would_load(table: TablePlan) -> int:
    return max(table.rows_read - table.rows_quarantined, 0)


def reason(table: TablePlan, entry: PlannedQuarantine) -> str:
    """Why rows would be set aside; what a reason quotes of a pii column is masked."""
    text = harmless(entry.reason)
    if entry.column is None:
        return text
    personal = any(column.target == entry.column and column.pii for column in table.columns)
    text = _QUOTED.sub(MASKED, text) if personal or entry.column in personal_fields(table) else text
    return f"{harmless(entry.column)}: {text}"


def safe_row(table: TablePlan, row: dict[str, Any]) -> dict[str, Any]:
    """A row of the source or the destination without the values of pii columns and of the fields that feed them."""
    personal = personal_fields(table) | {column.target for column in table.columns if column.pii}
    return {name: MASKED if _top(name) in personal or name in personal else value for name, value in row.items()}


def examined(source: SourcePlan) -> str:
    """`336,776 rows, all examined`, or how many of how many."""
    if source.complete:
        return f"{rows_text(source.rows_examined)}, all examined"
    total = (
        f"of {count(source.rows_total)} rows" if source.rows_total is not None else "rows of a source not counted yet"
    )
    return f"{count(source.rows_examined)} {total} examined"


def writing(table: TablePlan) -> str:
    """`merge by (a, b) · nothing in the table yet`."""
    key = f" by ({', '.join(harmless(name) for name in table.key)})" if table.key else ""
    if table.deletes is not None:
        found = "by tombstones" if table.deletes["found_by"] == "tombstone" else "as it is not in the source any more"
        key += f" · what is gone ({found}) is marked in {harmless(table.deletes['mark'])}"
    if table.rows_there is None:
        return f"{table.write}{key}"
    there = f"about {rows_text(table.rows_there)} in the table" if table.rows_there else "nothing in the table yet"
    return f"{table.write}{key} · {there}"


def proposed(plan: Plan) -> str:
    """Who made the mapping: the proposer, and how many columns a person decided."""
    layers = [column.layer for table in plan.tables.values() for column in table.columns]
    by = "the LLM" if "llm" in layers else "the embedded matcher"
    parts = [f"proposed by {by}"] if {"llm", "embedded"} & set(layers) or not layers else []
    for layer, word in (("file", "from mapping.yaml"), ("correction", "corrected")):
        if layer in layers:
            parts.append(f"{layers.count(layer)} {word}")
    return ", ".join(parts)


def approved_line(since: PlanDiff) -> str:
    """`91bc02aa (approved by ana on 2026-11-20)`"""
    if since.approved_by is None or since.approved_at is None:
        return since.against[:8]
    return f"{since.against[:8]} (approved by {harmless(since.approved_by)} on {since.approved_at:%Y-%m-%d})"


def first_unmapped(plan: Plan) -> str:
    """A column that a reader might want to correct: the first doubtful one, else one that is not mapped, else any."""
    every = [(name, column) for name, table in plan.tables.items() for column in table.columns]
    choices: Sequence[tuple[str, str]] = [
        *((name, column.target) for name, column in every if doubtful(column)),
        *((name, left.target) for name, table in plan.tables.items() for left in table.unmapped_target),
        *((name, column.target) for name, column in every),
    ]
    return harmless(".".join(choices[0])) if choices else "TABLE.COLUMN"
