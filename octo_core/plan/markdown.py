"""Plans and loads as Markdown, for Dagster's pages. Whatever came from outside is escaped sign by sign."""

import re
from collections.abc import Iterator, Mapping, Sequence

from octo_core.approvals import Decision
from octo_core.ledger import LoadResult
from octo_core.plan.diff import change_text
from octo_core.plan.load_page import ledger_terms, positions, shape_text, timings
from octo_core.plan.model import Plan, TablePlan
from octo_core.plan.reading import (
    STATES,
    approved_line,
    examined,
    proposed,
    reason,
    rows,
    safe_row,
    shown_after,
    would_load,
    writing,
)
from octo_core.plan.text import clipped, count, harmless, shown

_SPECIAL = re.compile(r"[\\`*\[\]<>|~&!$@]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.|^[#+=\-]", re.IGNORECASE)
"""What means something in a line of Markdown; addresses too, which a reader would make links of."""
_VALUE = 60
_SAMPLES = 5


def escaped(text: str) -> str:
    """Text that no Markdown or HTML reader takes for anything but text."""
    return _SPECIAL.sub(lambda sign: f"&#{ord(sign.group())};", harmless(text))


def code(text: str) -> str:
    """An expression in a cell: a code span that nothing in it can end."""
    fence = "`"
    while fence in text:
        fence += "`"
    gap = " " if "`" in text else ""
    return f"{fence}{gap}{harmless(text).replace('|', chr(92) + '|')}{gap}{fence}"


def plan_markdown(plan: Plan, links: Mapping[str, str] | None = None, *, whole: bool = True) -> str:
    """The plan as a page: its table first, then samples, quarantine and SQL, folded where the reader can fold.

    `links`: text → address, for what to do next. Without `whole`, what stands below the table is left to
    `plan_sections`, for readers that cannot fold.
    """
    blocks = [*_heading(plan)]
    for name, table in plan.tables.items():
        blocks.extend(_table(name, table, alone=len(plan.tables) == 1))
    if plan.diff is not None and plan.diff.against != plan.fingerprint:
        blocks.append(f"**Since the approved plan {escaped(approved_line(plan.diff))}**")
        blocks.append(
            "\n".join(f"- {escaped(change_text(change))}" for change in plan.diff.changes) or "Nothing changed."
        )
    blocks.extend(f"**Warning:** {escaped(warning)}" for warning in plan.warnings)
    blocks.extend(_ways(plan, links or {}))
    for name, table in plan.tables.items() if whole else ():
        of = "" if len(plan.tables) == 1 else f" of {escaped(name)}"
        for title, body in _below(table):
            blocks.extend(_folded(f"{title}{of}", body))
    return "\n\n".join(blocks) + "\n"


def plan_sections(plan: Plan) -> dict[str, str]:
    """Title → Markdown of what stands below a plan's table: samples, quarantine, suggested columns and SQL."""
    found: dict[str, list[str]] = {}
    for name, table in plan.tables.items():
        for title, body in _below(table):
            found.setdefault(title, []).append(body if len(plan.tables) == 1 else f"**{escaped(name)}**\n\n{body}")
    return {title: "\n\n".join(bodies) + "\n" for title, bodies in found.items()}


def load_markdown(
    result: LoadResult, *, decision: Decision | None = None, cursors: Mapping[str, str] | None = None
) -> str:
    """A load's ledger as a page."""
    heads = [
        "table",
        "read",
        "inserted",
        "updated",
        "unchanged",
        "deduplicated",
        "filtered",
        "quarantined",
        "tombstoned",
    ]
    body = [
        [escaped(name), *(count(getattr(ledger, head)) for head in heads[1:])] for name, ledger in result.tables.items()
    ]
    approval = f", approved by {escaped(decision.reviewer)} on {decision.at:%Y-%m-%d}" if decision else ""
    blocks = [
        f"**{escaped(result.status)}** · load {escaped(result.load_id)} · plan {result.fingerprint[:8]}{approval}"
    ]
    blocks.append(_grid(heads, body, right=range(1, len(heads))))
    blocks.extend(escaped(f"{name}: {ledger_terms(ledger)}") for name, ledger in result.tables.items())
    blocks.extend(escaped(shape_text(shape)) for shape in result.shapes.values())
    engine = f"{result.engine} ({result.engine_why})" if result.engine_why else result.engine
    blocks.append(escaped(" · ".join([*positions(result, cursors or {}), timings(result), engine])))
    if any(ledger.quarantined for ledger in result.tables.values()):
        blocks.append(f"Rows set aside: `octopipe quarantine list {result.pipeline}`")
    blocks.extend(f"**Warning:** {escaped(warning)}" for warning in result.warnings)
    return "\n\n".join(blocks) + "\n"


def _heading(plan: Plan) -> Iterator[str]:
    yield f"**{escaped(plan.pipeline)}** · plan **{plan.fingerprint[:8]}** · {STATES[plan.state]} · {proposed(plan)}"
    sources = [f"{name} ({source.kind}): {examined(source)}" for name, source in plan.sources.items()]
    if sources:
        yield "Source " + escaped("; ".join(sources))


def _table(name: str, table: TablePlan, *, alone: bool) -> Iterator[str]:
    yield f"{'' if alone else '### '}**{escaped(name)}** · {escaped(writing(table))}"
    heads = ["", "column", "type", "from", "sure", "nulls", "distinct", "before → after", "notes"]
    body = [
        [
            escaped(row.mark.strip()),
            f"**{escaped(row.target)}**",
            escaped(row.type),
            escaped(row.source) if row.mark == "-" else code(row.source),
            row.sure,
            row.nulls,
            row.distinct,
            escaped(clipped(row.example, 2 * _VALUE)),
            escaped("; ".join(row.notes)),
        ]
        for row in rows(table)
    ]
    yield _grid(heads, body, right=range(4, 7))
    if table.unmapped_source:
        yield "Not used: " + escaped(", ".join(table.unmapped_source))
    truncated = sum(column.truncated for column in table.columns)
    yield (
        f"Would load **{count(would_load(table))}** · quarantine **{count(table.rows_quarantined)}**"
        f" · truncated **{count(truncated)}** · key collisions **{count(table.key_collisions)}**"
    )


def _ways(plan: Plan, links: Mapping[str, str]) -> Iterator[str]:
    if plan.state != "approved":
        command = f"octopipe approve {plan.pipeline} --fingerprint {plan.fingerprint[:8]} --reviewer you@example.com"
        yield (
            f"Approve what you have read: materialize `{plan.pipeline}/approved_mapping` from the Launchpad with "
            f'`decision: approve`, `fingerprint: "{plan.fingerprint[:8]}"` and your name as `reviewer`, '
            f"or run `{command}`."
        )
    if links:
        yield " · ".join(f"[{escaped(text)}]({_address(address)})" for text, address in links.items())


def _below(table: TablePlan) -> Iterator[tuple[str, str]]:
    if table.sample:
        yield ("Sample", _samples(table))
    if table.quarantined:
        heads = ["rows", "why", "first row", "its values"]
        body = [
            [
                count(entry.rows),
                escaped(reason(table, entry)),
                count(entry.first_row) if entry.first_row is not None else "",
                _shown(safe_row(table, entry.row)),
            ]
            for entry in table.quarantined
        ]
        yield ("Would be set aside", _grid(heads, body, right=(0, 2)))
    if table.suggested_ddl:
        yield ("Columns that a person might add", _code("\n".join(table.suggested_ddl)))
    for engine, sql in table.sql.items():
        if sql:
            yield (f"SQL for {escaped(engine)}", _code(sql))


def _samples(table: TablePlan) -> str:
    body = [
        [str(number), _shown(safe_row(table, one.before)), _values(shown_after(table, one.after))]
        for number, one in enumerate(table.sample[:_SAMPLES], start=1)
    ]
    return _grid(["", "before", "after"], body)


def _shown(row: Mapping[str, object]) -> str:
    return _values({name: shown(value) for name, value in row.items()})


def _values(row: Mapping[str, str]) -> str:
    return " · ".join(f"{escaped(name)}: {escaped(clipped(value, _VALUE))}" for name, value in row.items())


def _folded(title: str, body: str) -> Iterator[str]:
    """Folded where raw HTML is shown; where it is left out, as by Dagster, the title stands above the body."""
    yield f"<details>\n<summary>{title}</summary>"
    yield f"**{title}**"
    yield body
    yield "</details>"


def _code(text: str) -> str:
    """A fence longer than any within, so that the text cannot end it."""
    fence = "```"
    while fence in text:
        fence += "`"
    lines = "\n".join(harmless(line) for line in text.splitlines())
    return f"{fence}sql\n{lines}\n{fence}"


def _grid(heads: Sequence[str], body: Sequence[Sequence[str]], right: Sequence[int] | range = ()) -> str:
    rule = ["--:" if place in right else "---" for place in range(len(heads))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [heads, rule, *body])


def _address(address: str) -> str:
    return harmless(address).replace(" ", "%20").replace("(", "%28").replace(")", "%29").replace("<", "%3C")
