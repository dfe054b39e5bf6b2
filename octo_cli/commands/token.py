"""`token`: who may use the HTTP API. Tokens are shown once; the registry keeps their hashes."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from octo_cli import completing, console
from octo_core.errors import UsageError

if TYPE_CHECKING:
    from octo_resources.flow import Workspace
    from octo_resources.registry.tokens import MadeToken, Token

app = typer.Typer(
    help="Who may use the HTTP API.",
    epilog="Example:  octopipe token create shop --pipeline orders",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="What the token is called: who it is for.", metavar="NAME")]


@app.command("create")
def create(
    name: Name,
    pipeline: Annotated[
        list[str] | None,
        typer.Option(
            "--pipeline",
            help="Good for this pipeline; repeatable. All when left out.",
            autocompletion=completing.pipelines,
        ),
    ] = None,
    lasts: Annotated[str | None, typer.Option("--for", metavar="TIME", help="Good for so long: 90d.")] = None,
) -> None:
    """Make a token. It is shown now and never again.

    Example:  octopipe token create shop --pipeline orders --for 90d
    """
    space = _space()
    for one in pipeline or ():
        space.project.pipeline_file(one)
    made = space.registry.tokens.create(name, pipeline or None, by=_who(), lasts=_time(lasts))
    _show(made)


@app.command("list")
def list_(everything: Annotated[bool, typer.Option("--all", help="Also those that are good no more.")] = False) -> None:
    """The tokens that are good: names and dates, never the tokens.

    Example:  octopipe token list
    """
    from octo_cli.outcomes import TokenRow, TokensAnswer

    now = datetime.now(UTC)
    found = [one for one in _space().registry.tokens.all() if everything or one.good_at(now)]
    rows = tuple(TokenRow.of(one, now) for one in found)
    cells = [
        (
            row.name,
            row.id,
            ", ".join(row.pipelines) if row.pipelines is not None else "all",
            row.state,
            f"{row.made_at:%Y-%m-%d %H:%M}",
            f"{row.expires_at:%Y-%m-%d %H:%M}" if row.expires_at else "",
        )
        for row in rows
    ]
    headings: list[console.Heading] = ["name", "id", "pipelines", "state", "made (UTC)", "ends (UTC)"]
    console.answer(TokensAnswer(tokens=rows), lambda screen: screen.print(console.table(headings, cells)))


@app.command("rotate")
def rotate(
    name: Name,
    grace: Annotated[str, typer.Option(metavar="TIME", help="The old one is good for so long still.")] = "0 s",
) -> None:
    """Make a new token in the place of the one of that name.

    Example:  octopipe token rotate shop --grace 1d
    """
    made = _space().registry.tokens.rotate(name, grace=_time(grace) or timedelta(0), by=_who())
    _show(made)


@app.command("revoke")
def revoke(name: Name) -> None:
    """End a token, and what is left of those before it. A running server takes it for two seconds more.

    Example:  octopipe token revoke shop
    """
    from octo_cli.outcomes import TokenRow, TokensAnswer

    ended = _space().registry.tokens.revoke(name)
    rows = tuple(TokenRow.of(one, datetime.now(UTC)) for one in ended)
    console.answer(TokensAnswer(tokens=rows), f"token '{name}' is good no more")


def _space() -> "Workspace":
    from octo_resources.flow import Workspace

    return Workspace(console.open_project())


def _show(made: "MadeToken") -> None:
    """The one answer of octopipe that a secret is the point of: it is not redacted, and goes nowhere else."""
    import sys

    from octo_cli.outcomes import MadeTokenAnswer, TokenRow

    token: Token = made.token
    row = TokenRow.of(token, token.made_at)
    if console.session().json:
        document = MadeTokenAnswer(token=made.text, about=row)
        sys.stdout.write(document.model_dump_json(by_alias=True, indent=2) + "\n")
        return
    covers = ", ".join(token.pipelines) if token.pipelines is not None else "all pipelines"
    until = f", until {token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else ""
    console.note(f"token '{token.name}' for {covers}{until}; it is shown this once:")
    sys.stdout.write(made.text + "\n")


def _time(text: str | None) -> timedelta | None:
    from octo_core.spec.units import parse_duration

    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _who() -> str | None:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None
