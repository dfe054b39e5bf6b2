"""`octopipe doctor`: what is installed, reachable and configured, and how to put right what is not."""

from typing import TYPE_CHECKING

import typer

from octo_cli import console

if TYPE_CHECKING:
    from octo_cli.answers import Finding


def doctor() -> None:
    """Look at the installation, the project, its secrets, the registry, the landing zone and every destination.

    \b
    Example:
      octopipe doctor --json
    """
    from octo_cli.answers import DoctorAnswer
    from octo_cli.diagnosis import diagnosed

    found = tuple(diagnosed(console.session().variables))
    answer = DoctorAnswer(ok=all(finding.state != "broken" for finding in found), findings=found)
    console.answer(answer, "\n".join(_line(finding) for finding in found))
    if not answer.ok:
        raise typer.Exit(1)


def _line(finding: "Finding") -> str:
    mark = {"ok": "ok  ", "warning": "!   ", "broken": "✗   "}[finding.state]
    fix = f"\n      → {finding.fix}" if finding.fix else ""
    return f"{mark}{finding.what}: {finding.found}{fix}"
