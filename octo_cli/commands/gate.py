"""`approve`, `reject` and `approvals`: a person decides about exactly the plan that was read."""

from pathlib import Path
from typing import Annotated

import typer

from octo_cli import completing, console
from octo_cli.commands.understand import Name, opened

Fingerprint = Annotated[str, typer.Option(help="The plan that you read: 8 or more letters of its fingerprint.")]
Reviewer = Annotated[str, typer.Option(help="Who decides, e.g. your e-mail address.")]
Reason = Annotated[str | None, typer.Option(help="Why, for those who read it later.")]

app = typer.Typer(
    help="The decisions so far.", epilog="Example:  octopipe approvals list flights", no_args_is_help=True
)


def approve(name: Name, fingerprint: Fingerprint, reviewer: Reviewer, reason: Reason = None) -> None:
    """Approve exactly the plan that was read.

    Example:  octopipe approve flights --fingerprint 3f2a91c4 --reviewer you@example.com
    """
    _decide("approve", name, fingerprint, reviewer, reason)


def reject(name: Name, fingerprint: Fingerprint, reviewer: Reviewer, reason: Reason = None) -> None:
    """Reject a plan, or revoke its approval.

    Example:  octopipe reject flights --fingerprint 3f2a91c4 --reviewer you@example.com --reason "wrong unit"
    """
    _decide("reject", name, fingerprint, reviewer, reason)


def _decide(verdict: str, name: str, fingerprint: str, reviewer: str, reason: str | None) -> None:
    from octo_cli.outcomes import DecisionAnswer
    from octo_resources import flow

    space, pipeline = opened(name)
    act = flow.approve if verdict == "approve" else flow.reject
    ruling = act(space, pipeline, fingerprint, reviewer=reviewer, reason=reason, via="cli")
    if not ruling.already:
        _tell_dagster(space.project.root, name, ruling.decision.fingerprint, verdict, reviewer)
    made = ruling.decision
    console.answer(
        DecisionAnswer(
            pipeline=name,
            fingerprint=made.fingerprint,
            decision=made.decision,
            reviewer=made.reviewer,
            reason=made.reason,
            at=made.at,
            already=ruling.already,
        ),
        ruling.message,
    )


def _tell_dagster(root: Path, name: str, fingerprint: str, verdict: str, reviewer: str) -> None:
    """Report the decision to the project's Dagster instance, where one has been used: the load follows by itself."""
    if not has_dagster(root):
        return
    from octo_assets.report import report_decision  # dagster: 2.5 s, paid only where an instance is there

    report_decision(root, name, fingerprint, verdict, reviewer)


def has_dagster(root: Path) -> bool:
    """Whether this project has run in Dagster: only then is there somebody to tell."""
    return (root / ".octopipe" / "dagster").is_dir()


@app.command("list")
def list_(
    name: Annotated[
        str | None, typer.Argument(help="One pipeline; all when left out.", autocompletion=completing.pipelines)
    ] = None,
) -> None:
    """Every decision, oldest first.

    Example:  octopipe approvals list flights
    """
    from octo_cli.outcomes import DecisionsAnswer
    from octo_resources.flow import Workspace

    space = Workspace(console.open_project())
    if name is not None:
        space.project.pipeline_file(name)
    made = space.registry.decisions.all(name)
    rows = [
        (one.seq, one.pipeline, one.fingerprint[:8], one.decision, one.reviewer, f"{one.at:%Y-%m-%d %H:%M}", one.reason)
        for one in made
    ]
    columns: list[console.Heading] = [("#", "right"), "pipeline", "plan", "decision", "reviewer", "at (UTC)", "reason"]
    document = DecisionsAnswer(decisions=tuple(made))
    console.answer(document, lambda screen: screen.print(console.table(columns, rows)))


@app.command("export")
def export(
    name: Annotated[
        str | None, typer.Argument(help="One pipeline; all when left out.", autocompletion=completing.pipelines)
    ] = None,
    to: Annotated[Path | None, typer.Option(help="The file to write; standard output when left out.")] = None,
) -> None:
    """Write decisions and their recipes, to be carried to another environment.

    Example:  octopipe approvals export flights --to flights.approvals.json
    """
    import json
    import sys

    from octo_cli.outcomes import WrittenAnswer
    from octo_resources.flow import Workspace

    space = Workspace(console.open_project())
    text = json.dumps(space.registry.carrying.export(name), indent=2, ensure_ascii=False)
    if to is None:
        sys.stdout.write(text + "\n")
        return
    to.write_text(text, encoding="utf-8")
    console.answer(WrittenAnswer(file=str(to)), f"wrote {to}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="What `approvals export` wrote.")],
    reviewer: Annotated[
        str | None, typer.Option(help="Who answers for the import; your account on this machine when left out.")
    ] = None,
) -> None:
    """Take over decisions that were made in another environment.

    Example:  octopipe approvals import flights.approvals.json --reviewer you@example.com
    """
    import json

    from octo_cli.outcomes import ImportedAnswer
    from octo_core.errors import UsageError
    from octo_resources.flow import Workspace

    space = Workspace(console.open_project())
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        hint = "octopipe approvals export NAME --to FILE, in the other environment, writes one"
        raise UsageError(f"{file} cannot be read: {(error.strerror or str(error)).lower()}", hint=hint) from None
    except ValueError as error:
        raise UsageError(f"{file} is not what octopipe approvals export wrote: {error}") from None
    names = space.project.pipeline_names()
    policies = {name: space.project.pipeline(name).spec.approval for name in names}
    done = space.registry.carrying.load(document, by=reviewer or _account(), policies=policies)
    for left_out in done.skipped:
        console.note(f"left out: {left_out}")
    answer = ImportedAnswer(imported=len(done.added), skipped=done.skipped)
    console.answer(answer, f"{len(done.added)} decisions taken over")


def _account() -> str:
    """The name of the account that runs this; empty where the machine knows none, and the import then asks for one."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user without an entry in passwd
        return ""
