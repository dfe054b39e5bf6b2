"""`octopipe quarantine`: rows that were set aside, with reasons: listed, shown, loaded once more, given up."""

from typing import TYPE_CHECKING, Annotated

import typer

from octo_cli import console
from octo_cli.commands.understand import Name, opened
from octo_core.errors import UsageError
from octo_core.wording import rows_text

if TYPE_CHECKING:
    from octo_cli.screen import Screen
    from octo_resources.flow import Workspace
    from octo_resources.flow.rows_aside import Wanted
    from octo_resources.project import Pipeline

quarantine = typer.Typer(
    help="Rows that were set aside, with reasons.",
    epilog="Example:  octopipe quarantine list flights",
    no_args_is_help=True,
)
Load = Annotated[str | None, typer.Option(help="One load, by its id or the beginning of it.")]
Table = Annotated[str | None, typer.Option(help="Only rows of this table.")]
Column = Annotated[str | None, typer.Option(help="Only rows set aside for this column.")]


@quarantine.command("list")
def quarantine_list(name: Name, load: Load = None) -> None:
    """Reasons for which rows are set aside, with their numbers, by load.

    Example:  octopipe quarantine list flights
    """
    from collections import Counter

    from octo_cli.outcomes import QuarantineReasons, ReasonCount
    from octo_resources.flow.rows_aside import set_aside

    space, pipeline = opened(name)
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for load_id, row in set_aside(space, name, _wanted(space, pipeline, load)):
        counts[load_id, row.table, row.column or "", row.kind] += 1
    found = [
        ReasonCount(load_id=load_id, table=table, column=column or None, reason=reason, rows=rows)
        for (load_id, table, column, reason), rows in sorted(counts.items(), key=lambda item: (item[0][0], -item[1]))
    ]
    rows = [(one.load_id, one.table, one.column, one.reason, one.rows) for one in found]
    columns: list[console.Heading] = ["load", "table", "column", "reason", ("rows", "right")]

    def show(screen: "Screen") -> None:
        screen.print(console.table(columns, rows) if rows else f"no row of {name} is set aside")

    console.answer(QuarantineReasons(pipeline=name, total=sum(counts.values()), reasons=tuple(found)), show)


@quarantine.command("show")
def quarantine_show(
    name: Name,
    load: Load = None,
    table: Table = None,
    column: Column = None,
    rows: Annotated[int, typer.Option(min=1, help="At most so many rows.")] = 20,
) -> None:
    """Rows that are set aside, with their payload as it came.

    Example:  octopipe quarantine show flights --rows 5
    """
    from itertools import islice

    from octo_cli.outcomes import QuarantineRows, SetAside
    from octo_resources.flow.rows_aside import set_aside

    space, pipeline = opened(name)
    there = set_aside(space, name, _wanted(space, pipeline, load, table, column))
    found = [SetAside(load_id=load_id, **row.model_dump()) for load_id, row in islice(there, rows)]

    def show(screen: "Screen") -> None:
        for one in found:
            place = f"{one.table}.{one.column}" if one.column else one.table
            screen.print(console.clean(f"{one.id}  {place}: {one.reason}"), style="bold")
            screen.print(console.clean(f"  {one.payload}"))
        if not found:
            screen.print(f"no row of {name} is set aside")

    console.answer(QuarantineRows(pipeline=name, rows=tuple(found)), show)


@quarantine.command("replay")
def quarantine_replay(
    name: Name,
    load: Load = None,
    table: Table = None,
    column: Column = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do all but the commit.")] = False,
    from_topic: Annotated[
        bool, typer.Option("--from-topic", help="Send the dead letters back to the topics that they came from.")
    ] = False,
) -> None:
    """Load rows that were set aside once more, after a fix, by the plan that is approved now.

    \b
    Example:
      octopipe quarantine replay flights --column arr_time
      octopipe quarantine replay flights --from-topic
    """
    from octo_cli.outcomes import ReplayedAnswer

    space, pipeline = opened(name)
    if from_topic:
        if load or table or column or dry_run:
            raise UsageError("--from-topic sends all dead letters back: it goes with no other option of replay")
        from octo_resources.kafka.replaying import replay_letters

        sent = replay_letters(space, pipeline)
        said = ", ".join(f"{count:,} to {topic}" for topic, count in sent.topics.items()) or "none was left"
        if sent.settled:
            console.note(f"{sent.settled:,} were not sent: they were replayed or discarded already")
        if sent.landed:
            console.note(
                f"{sent.landed:,} were not sent: their topics had lost the messages, or they are too large. "
                "What landed of them is loaded by "
                f"octopipe quarantine replay {name}"
            )
        console.answer(ReplayedAnswer(pipeline=name, topics=sent.topics), f"dead letters of {name} sent back: {said}")
        return
    from octo_core.plan.show import load_text
    from octo_resources.flow.replaying import replay

    wanted = _wanted(space, pipeline, load, table, column)
    with console.progress(f"replaying {name}"):
        result = replay(space, pipeline, wanted, dry_run=dry_run).result
    decision = space.registry.decisions.holding(name, result.fingerprint)

    def draw(width: int, colour: bool) -> str:
        if result.status == "nothing_new":
            return f"no row of {name} is set aside that could be loaded"
        return load_text(result, decision=decision, cursors={}, width=width, colour=colour)

    console.answer(ReplayedAnswer(pipeline=name, load=result), console.page(draw))


@quarantine.command("discard")
def quarantine_discard(
    name: Name,
    load: Load = None,
    table: Table = None,
    column: Column = None,
    reason: Annotated[str | None, typer.Option(help="Why; it is written down.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Give rows up that are set aside: they are neither listed nor replayed any more.

    Example:  octopipe quarantine discard flights --column arr_time --reason "test flights"
    """
    from octo_cli.commands.control import who
    from octo_cli.outcomes import DiscardedAnswer
    from octo_resources.flow.rows_aside import discard, set_aside

    space, pipeline = opened(name)
    wanted = _wanted(space, pipeline, load, table, column)
    there = sum(1 for _ in set_aside(space, name, wanted))
    if not there:
        console.answer(DiscardedAnswer(pipeline=name, discarded=0), f"no such row of {name} is set aside")
        return
    if not console.confirm(f"Give {rows_text(there)} of {name} up?", assume=yes):
        raise UsageError("nothing was discarded", hint="say yes, or give --yes")
    done = discard(space, name, wanted, by=who(), reason=reason)
    console.answer(DiscardedAnswer(pipeline=name, discarded=done), f"gave {rows_text(done)} of {name} up")


def _wanted(
    space: "Workspace", pipeline: "Pipeline", load: str | None, table: str | None = None, column: str | None = None
) -> "Wanted":
    """What the options say, checked against what there is. Raises UsageError."""
    from octo_core.spec.names import canonical_table_name
    from octo_core.spec.nearest import did_you_mean
    from octo_resources.flow.rows_aside import Wanted

    if table is not None:
        try:
            table = canonical_table_name(table)
        except ValueError as error:
            raise UsageError(str(error)) from None
        if table not in pipeline.tables:
            raise UsageError(f"{pipeline.name} writes no table '{table}'.{did_you_mean(table, pipeline.tables)}")
    return Wanted(_load_id(space, pipeline.name, load) if load is not None else None, table, column)


def _load_id(space: "Workspace", name: str, prefix: str) -> str:
    """The load that an id begins, also one whose execution was forgotten."""
    known = {one.load_id for one in space.registry.executions.find(name, prefix)}
    known |= {one for one in space.quarantine.loads(name) if one.startswith(prefix.upper())}
    if not known:
        raise UsageError(f"{name} has no load '{prefix}'", hint=f"octopipe history list {name}")
    if len(known) > 1:
        raise UsageError(f"'{prefix}' begins {len(known)} loads of {name}", hint="give more of its id")
    return known.pop()
