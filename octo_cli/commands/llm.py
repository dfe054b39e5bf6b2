"""`llm`: what language models were asked, what they said, what it cost."""

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from octo_cli import completing, console

if TYPE_CHECKING:
    from octo_resources.registry.calls import LlmCall

app = typer.Typer(
    help="What language models were asked, and what they said.",
    epilog="Example:  octopipe llm list flights",
    no_args_is_help=True,
)

Pipeline = Annotated[
    str | None,
    typer.Argument(help="One pipeline; all when left out.", metavar="[NAME]", autocompletion=completing.pipelines),
]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="The newest so many.")]


@app.command("list")
def list_(name: Pipeline = None, limit: Limit = 50) -> None:
    """The calls, newest first.

    Example:  octopipe llm list flights
    """
    from octo_cli.outcomes import LlmCallRow, LlmCallsAnswer
    from octo_resources.flow import Workspace

    space = Workspace(console.open_project())
    if name:
        space.project.pipeline_file(name)
    calls = [LlmCallRow.of(call) for call in space.registry.llm_calls.newest(name, limit)]
    columns: list[console.Heading] = [
        "call", "pipeline", "for", "of", "model", "state", ("tokens", "right"), ("USD", "right"), ("seconds", "right"),
        ("reused", "right"), "at (UTC)",
    ]  # fmt: skip
    rows = [
        (
            str(one.id),
            one.pipeline,
            one.purpose,
            one.part,
            one.model,
            one.state if one.error is None else f"{one.state}: {one.error}",
            f"{one.tokens_in + one.tokens_out:,}",
            _money(one.cost),
            f"{one.seconds:.1f}",
            str(one.reused),
            f"{one.at:%Y-%m-%d %H:%M}",
        )
        for one in calls
    ]
    answer = LlmCallsAnswer(
        calls=tuple(calls),
        tokens=sum(one.tokens_in + one.tokens_out for one in calls),
        cost=sum((one.cost for one in calls if one.cost is not None), Decimal(0)),
    )
    if not rows:
        console.answer(answer, "no model was asked")
        return
    title = f"{answer.tokens:,} tokens, {_money(answer.cost)} USD"
    console.answer(answer, lambda screen: screen.print(console.table(columns, rows, title)))


@app.command("show")
def show(call: Annotated[int, typer.Argument(help="The call's number, as `llm list` shows it.")]) -> None:
    """One call: the whole prompt as it left, and the answer.

    Example:  octopipe llm show 3
    """
    from octo_resources.flow import Workspace

    found = Workspace(console.open_project()).registry.llm_calls.get(call)
    console.answer(found, lambda screen: _print(screen, found))


def _print(screen: Any, call: "LlmCall") -> None:
    head = f"call {call.id}: {call.model}, {call.purpose} of {call.part}, pipeline {call.pipeline}, {call.state}"
    lines = [head, f"{call.tokens_in:,} tokens in, {call.tokens_out:,} out, {_money(call.cost)} USD, {call.seconds} s"]
    if call.error:
        lines.append(f"why it failed: {call.error}")
    for message in json.loads(call.prompt):
        lines += ["", f"--- {message['role']}", message["content"]]
    lines += ["", "--- answer", _pretty(call.answer)]
    screen.print("\n".join(lines))


def _pretty(text: str | None) -> str:
    try:
        return json.dumps(json.loads(text or ""), indent=2, ensure_ascii=False)
    except ValueError:
        return text or "(none)"


def _money(cost: Decimal | None) -> str:
    return "?" if cost is None else f"{cost:.4f}"
