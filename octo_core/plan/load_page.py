"""A load in the terminal: what became of every row, in one line a table."""

from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len

from octo_core.approvals import Decision
from octo_core.ledger import LoadResult, ShapeCount, TableLedger
from octo_core.plan.text import Line, count, harmless, padded, rendered

_ALWAYS = ("inserted", "updated", "unchanged", "deduplicated", "filtered", "quarantined")
_SAID = {
    "nothing_new": "nothing new",
    "already_loaded": "loaded before; nothing was done",
    "waiting_for_approval": "waits for approval; its data landed",
    "failed": "failed; nothing was committed",
}


def load_text(
    result: LoadResult,
    *,
    decision: Decision | None = None,
    cursors: Mapping[str, str] | None = None,
    width: int = 100,
    colour: bool = False,
) -> str:
    """One load. `decision` is the approval it ran on; `cursors` are the cursor fields by source."""
    return rendered(_load(result, decision, cursors or {}, width), colour=colour)


def ledger_terms(ledger: TableLedger) -> str:
    """`read 75 = 70 inserted + … + 5 quarantined`, then what was marked or taken away."""
    names = [*_ALWAYS, *(["tombstoned"] if ledger.tombstoned else [])]
    terms = " + ".join(f"{count(getattr(ledger, name))} {name}" for name in names)
    extra = [f"{count(ledger.soft_deleted)} marked deleted"] if ledger.soft_deleted else []
    extra += [f"{count(ledger.removed)} removed"] if ledger.removed else []
    return " · ".join([f"read {count(ledger.read)} = {terms}", *extra])


def timings(result: LoadResult) -> str:
    """`1.9 s (extract 0.9, copy 0.7)`: the phases that took any time."""
    phases = {name: seconds for name, seconds in result.phases.model_dump(by_alias=True).items() if seconds >= 0.05}
    within = f" ({', '.join(f'{name} {seconds:.1f}' for name, seconds in phases.items())})" if phases else ""
    return f"{result.seconds:.1f} s{within}"


def positions(result: LoadResult, cursors: Mapping[str, str]) -> list[str]:
    """`time_hour 2013-12-31T23:00:00Z` for each source that has a position."""
    return [
        harmless(f"{cursors.get(name, name)} {source.to}")
        for name, source in result.sources.items()
        if source.to is not None
    ]


def shape_text(shape: ShapeCount) -> str:
    """`orders.items: 5 rows in, 12 out`; for a join also how many rows found nothing."""
    lost = [f"{count(rows)} without a match in {alias}" for alias, rows in shape.unmatched.items()]
    said = f"{shape.relation}: {count(shape.rows_in)} rows in, {count(shape.rows_out)} out"
    return harmless(", ".join([said, *lost]))


def _load(result: LoadResult, decision: Decision | None, cursors: Mapping[str, str], width: int) -> Iterator[Line]:
    yield tuple(_head(result, decision))
    if result.status in ("loaded", "failed") and result.tables:
        names = [harmless(name) for name in result.tables]
        left = max(cell_len(name) for name in [*names, "position"])
        for name, ledger in zip(names, result.tables.values(), strict=True):
            yield from _ledger(name, left, ledger, width)
        for shape in result.shapes.values():
            yield ((f"  {padded('', left)}   {shape_text(shape)}", "dim"),)
        said = " · ".join([*positions(result, cursors), timings(result)])
        yield ((f"  {padded('position' if positions(result, cursors) else 'time', left)}   {said}", ""),)
    aside = sum(ledger.quarantined for ledger in result.tables.values())
    if aside:
        rows = "row" if aside == 1 else "rows"
        yield ((f"  {count(aside)} {rows} set aside: octopipe quarantine list {result.pipeline}", "yellow"),)
    for warning in result.warnings:
        yield ((f"  warning: {harmless(warning)}", "yellow"),)


def _head(result: LoadResult, decision: Decision | None) -> Iterator[tuple[str, str]]:
    yield f"{result.pipeline}  ", "bold"
    if result.status != "loaded":
        yield _SAID[result.status], "red" if result.status == "failed" else "yellow"
        yield " · ", ""
    parts: list[str] = [f"load {result.load_id}"] if result.load_id else []
    plan = f"plan {result.fingerprint[:8]}"
    if decision is not None and decision.decision == "approve" and decision.fingerprint == result.fingerprint:
        plan += f" approved by {harmless(decision.reviewer)}, {decision.at:%Y-%m-%d}"
    engine = f"{result.engine} ({harmless(result.engine_why)})" if result.engine_why else result.engine
    yield " · ".join([*parts, plan, *([engine] if result.status == "loaded" else [])]), ""


def _ledger(name: str, left: int, ledger: TableLedger, width: int) -> Iterator[Line]:
    """One line, or with a long ledger on a narrow terminal the sum's parts below one another."""
    head, text = f"  {padded(name, left)}   ", ledger_terms(ledger)
    style = "" if ledger.balanced else "red"
    if cell_len(head + text) <= width:
        yield ((head, ""), (text, style))
        return
    for number, part in enumerate(_folded(text.split(" + "), width - cell_len(head))):
        yield ((head if number == 0 else " " * cell_len(head), ""), (part, style))


def _folded(terms: Sequence[str], width: int) -> Iterator[str]:
    line = terms[0]
    for term in terms[1:]:
        if cell_len(f"{line} + {term}") > width:
            yield line
            line = f"    + {term}"
        else:
            line += f" + {term}"
    yield line
