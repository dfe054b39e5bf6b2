"""A plan in the terminal: what is read before it is approved."""

from collections.abc import Iterator

from rich.cells import cell_len

from octo_core.plan.diff import change_text
from octo_core.plan.model import Change, Plan, Recipe, TablePlan
from octo_core.plan.reading import (
    STATES,
    Row,
    approved_line,
    examined,
    first_unmapped,
    proposed,
    reason,
    rows,
    safe_row,
    shown_after,
    would_load,
    writing,
)
from octo_core.plan.text import Line, clipped, columns, count, harmless, padded, rendered, shown, wrapped

_NARROW = 80
_STYLE = {"!": "yellow", "~": "cyan", "-": "dim", " ": ""}
_STATE_STYLE = {"pending": "yellow", "approved": "green", "rejected": "red", "revoked": "red"}
_REASONS = 12
_VALUE = 60
_CHANGES = 8


def plan_text(
    plan: Plan,
    recipe: Recipe | None = None,
    *,
    width: int = 100,
    colour: bool = False,
    url: str | None = None,
    samples: int = 0,
) -> str:
    """The whole plan for a terminal of `width` cells. `recipe` names each table's source; `url` is Dagster's page.

    `samples`: so many rows of each table, before and after, below its columns.
    """
    return rendered(_plan(plan, recipe, max(width, _NARROW), url, samples), colour=colour)


def diff_text(plan: Plan, *, width: int = 100, colour: bool = False) -> str:
    """What changed since the approved plan, and nothing else."""
    return rendered(_diff(plan, max(width, _NARROW)), colour=colour)


def _plan(plan: Plan, recipe: Recipe | None, width: int, url: str | None, samples: int) -> Iterator[Line]:
    yield _two(f"{plan.pipeline} → {', '.join(map(harmless, plan.tables))}", _state(plan), width)
    for number, (name, source) in enumerate(plan.sources.items()):
        left = f"source  {harmless(name)}   {source.kind}   {examined(source)}"
        yield from ([_two(left, (proposed(plan), "dim"), width)] if number == 0 else [((left, ""),)])
    for name, table in plan.tables.items():
        yield from _table(plan, recipe, name, table, width, samples)
    yield from _since(plan, width)
    for warning in plan.warnings:
        yield from _hanging("  warning: ", harmless(warning), width, "yellow")
    yield ()
    yield from _ways(plan, url)


def _state(plan: Plan) -> tuple[str, str]:
    return f"plan {plan.fingerprint[:8]} · {STATES[plan.state]}", _STATE_STYLE[plan.state]


def _two(left: str, right: tuple[str, str], width: int) -> Line:
    gap = max(min(width, 110) - cell_len(left) - cell_len(right[0]), 3)
    return (left, "bold" if "→" in left else ""), (" " * gap, ""), right


def _table(plan: Plan, recipe: Recipe | None, name: str, table: TablePlan, width: int, samples: int) -> Iterator[Line]:
    alone = len(plan.tables) == 1
    source = recipe.tables[name].source if recipe and name in recipe.tables else None
    if not alone:
        yield ()
        yield ((f"{harmless(source)} → {harmless(name)}" if source else harmless(name), "bold"),)
    yield ((writing(table), ""),)
    yield ()
    yield from _grid(rows(table), width)
    if table.unmapped_source:
        yield from _hanging("  not used: ", ", ".join(map(harmless, table.unmapped_source)), width, "dim")
    yield from _samples(table, samples, width)
    yield ()
    truncated = sum(column.truncated for column in table.columns)
    yield (
        (f"  would load {count(would_load(table))}   ", "green"),
        (f"quarantine {count(table.rows_quarantined)}   ", "yellow" if table.rows_quarantined else ""),
        (f"truncated {count(truncated)}   ", "yellow" if truncated else ""),
        (f"key collisions {count(table.key_collisions)}", "yellow" if table.key_collisions else ""),
    )
    yield from _quarantine(table, width)
    if table.suggested_ddl:
        yield (("  fields without a column; a person might run:", ""),)
        for statement in table.suggested_ddl:
            yield from _hanging("    ", harmless(statement), width, "cyan")


def _grid(found: list[Row], width: int) -> Iterator[Line]:
    """The columns of a plan. Expressions are wrapped, never cut: who approves must be able to read all of them."""
    heads = ["column", "type", "from", "sure", "nulls", "distinct", "before → after"]
    cells = [[row.target, row.type, row.source, row.sure, row.nulls, row.distinct, row.example] for row in found]
    if width < 120:  # counts are in the JSON and on the page; here the examples say more
        heads, cells = heads[:4] + heads[6:], [row[:4] + row[6:] for row in cells]
    widest = [max(cell_len(row[place]) for row in [heads, *cells]) for place in range(len(heads))]
    widths = _widths(widest, width - 2)
    for cell in cells:
        cell[-1] = _both(cell[-1], widths[-1])
    right = frozenset(range(3, len(heads) - 1))
    [header] = columns([heads], widths, right)
    yield (("  " + header[0], "dim"),)
    for row, lines in zip(found, columns(cells, widths, right), strict=True):
        for number, line in enumerate(lines):
            yield ((f"{row.mark if number == 0 else ' '} ", "bold"), (line, _STYLE[row.mark]))
        for note in row.notes:
            yield from _hanging(" " * (4 + widths[0]), harmless(note), width, "dim")


def _widths(widest: list[int], room: int) -> list[int]:
    """Widths that fit: short columns as they are, the expression and the example share what is left."""
    caps = [28, 22, *widest[2:]]
    widths = [min(wide, cap) for wide, cap in zip(widest, caps, strict=True)]
    spare = room - 2 * (len(widths) - 1) - sum(widths[:2]) - sum(widths[3:-1])
    example = min(widths[-1], max(spare - widths[2], spare * 2 // 5, 14))
    widths[2], widths[-1] = min(widths[2], max(spare - example, 16)), example
    return widths


def _both(example: str, width: int) -> str:
    """`before → after` in a line of `width` cells, or what was read in one and what comes out in the next."""
    before, arrow, after = example.rpartition(" → ")
    if cell_len(example) <= width or not arrow:
        return clipped(example, width)
    return padded(f"{clipped(before, width - 2)} →", width) + " " + clipped(after, width)


def _samples(table: TablePlan, samples: int, width: int) -> Iterator[Line]:
    """Whole rows, what was read and what the table would get."""
    for number, one in enumerate(table.sample[:samples], start=1):
        yield ()
        before = {name: shown(value) for name, value in safe_row(table, one.before).items()}
        for head, row in (
            (f"  {number:>2}  before  ", before),
            ("      after   ", shown_after(table, one.after)),
        ):
            said = " · ".join(f"{harmless(name)}: {clipped(value, _VALUE)}" for name, value in row.items())
            yield from _hanging(head, said, width, "")


def _quarantine(table: TablePlan, width: int) -> Iterator[Line]:
    entries = sorted(table.quarantined, key=lambda entry: -entry.rows)
    for entry in entries[:_REASONS]:
        first = f"  first: row {count(entry.first_row)}" if entry.first_row is not None else ""
        text = clipped(reason(table, entry), width - 10 - cell_len(first))
        yield (
            (f"{count(entry.rows):>6}  ", "yellow"),
            (padded(text, min(width - 8 - cell_len(first), 46)) + first, ""),
        )
    if len(entries) > _REASONS:
        rest = sum(entry.rows for entry in entries[_REASONS:])
        yield ((f"{count(rest):>6}  for {len(entries) - _REASONS} other reasons, all in --json", "dim"),)


def _since(plan: Plan, width: int) -> Iterator[Line]:
    if plan.diff is None or plan.diff.against == plan.fingerprint:
        return
    changes = [harmless(_short(change, plan)) for change in plan.diff.changes]
    text = ", ".join(changes[:_CHANGES]) or "nothing changed"
    if len(changes) > _CHANGES:
        text += f", and {len(changes) - _CHANGES} more: octopipe plan {plan.pipeline} --diff"
    yield from _hanging("  ", f"since the approved plan {plan.diff.against[:8]}: {text}", width, "cyan")


def _short(change: Change, plan: Plan) -> str:
    """With one table its name needs no repeating."""
    text = change_text(change)
    if len(plan.tables) != 1:
        return text
    name = next(iter(plan.tables))
    return text.replace(f"{name}.", "").replace(f" of {name}", "").replace(f" ({name})", "")


def _ways(plan: Plan, url: str | None) -> Iterator[Line]:
    name, short = plan.pipeline, plan.fingerprint[:8]
    if plan.state == "approved":
        yield ((f"Load it:  octopipe run {name}", ""),)
    else:
        approve = f"octopipe approve {name} --fingerprint {short} --reviewer you@example.com"
        yield (("Approve what you have read:  ", ""), (approve, "bold"))
    dagster = f"Or in Dagster: {url} · c" if url and plan.state != "approved" else "C"
    yield ((f"{dagster}orrect one: octopipe map {name} --set {first_unmapped(plan)}=…", "dim"),)


def _diff(plan: Plan, width: int) -> Iterator[Line]:
    head = f"{plan.pipeline}  plan {plan.fingerprint[:8]}"
    if plan.diff is None or plan.diff.against == plan.fingerprint:
        said = (
            "is the approved plan: nothing changed" if plan.state == "approved" else "is the first: none was approved"
        )
        yield ((head, "bold"), (f" {said}", ""))
        return
    yield ((head, "bold"), (f", since {approved_line(plan.diff)}", ""))
    if not plan.diff.changes:
        yield (("  nothing changed in what the fingerprint covers", "dim"),)
    for change in plan.diff.changes:
        mark, style = {"new": ("+", "green"), "gone": ("-", "red"), "changed": ("~", "yellow")}[change.kind]
        yield from _hanging(f"{mark} ", harmless(change.what), width, style)
        if change.before:
            yield from _hanging("    was  ", harmless(change.before), width, "red")
        if change.after:
            yield from _hanging("    is   ", harmless(change.after), width, "green")
    if plan.state != "approved":
        yield ()
        yield from _ways(plan, None)


def _hanging(head: str, text: str, width: int, style: str) -> Iterator[Line]:
    for number, part in enumerate(wrapped(text, max(width - cell_len(head), 20))):
        yield ((head if number == 0 else " " * cell_len(head), style), (part, style))
