"""`match`: which columns of two files, or of a file and a schema with labels, belong together."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from octo_cli import console

if TYPE_CHECKING:
    from octo_cli.outcomes import MatchAnswer
    from octo_cli.screen import Screen
    from octo_core.mapping import Match

_EVIDENCE: Final = 3
_DECIMALS: Final = 4


def match(
    source: Annotated[Path, typer.Argument(help="CSV, TSV, JSON, JSON lines or Parquet, also compressed.")],
    target: Annotated[Path, typer.Argument(help="Another such file, or a schema with labels in JSON or YAML.")],
) -> None:
    """Say which columns of SOURCE belong to which of TARGET, and which to none.

    Names, labels, types and values are compared on this machine; nothing leaves it. A schema is a list of columns with
    name, type, description and values, a JSON Schema, or a pipeline.yaml (its labels): see docs/mapping.md.

    Examples:
      octopipe match orders.csv invoices.parquet
      octopipe match patients.csv model.yaml --json
    """
    from octo_cli.outcomes import MatchAnswer, MatchedPair
    from octo_core.mapping import match as matched
    from octo_core.mapping.matching import undecided
    from octo_resources.labelled import columns_of

    with console.progress(f"reading {source.name}") as progress:
        left = columns_of(source, progress=progress)
    with console.progress(f"reading {target.name}") as progress:
        right = columns_of(target, progress=progress)
    found = matched(left, right)
    document = MatchAnswer(pairs=(), assignment=found.assignment, undecided=undecided(found))
    pairs = (
        MatchedPair(source=pair.source, target=pair.target, score=round(pair.score, _DECIMALS))
        for pair in found.every()
    )
    console.answer_with_many(document, "pairs", pairs, lambda screen: _print(screen, found, document, len(right)))


def _equal(document: "MatchAnswer", source: str, target: str | None) -> str:
    """What fits as well, on either side; empty where nothing does."""
    targets = [one for one in document.undecided.get(source, ()) if one != target]
    rivals = [
        one for one, theirs in document.undecided.items() if one != source and target is not None and target in theirs
    ]
    if target is None and targets:
        return f"undecided: fits {', '.join(targets)} as well as the column that has it"
    return f"undecided: {', '.join([*targets, *rivals])} fits as well" if targets or rivals else ""


def _print(screen: "Screen", found: "Match", document: "MatchAnswer", targets: int) -> None:
    by_pair = {(pair.source, pair.target): pair for pair in found.pairs}
    rows = []
    for source, target in found.assignment.items():
        pair = by_pair.get((source, target)) if target is not None else None
        said = ", ".join(kind for kind, _ in pair.evidence[:_EVIDENCE]) if pair else ""
        note = _equal(document, source, target) or said
        rows.append((source, target or "-", f"{pair.score:.2f}" if pair else "", note))
    screen.print(console.table(["source", "target", ("score", "right"), "by"], rows))
    taken = sum(target is not None for target in found.assignment.values())
    screen.print(f"{taken} of {len(rows)} columns have a counterpart among {targets}.")
    if document.undecided:
        screen.print(f"{len(document.undecided)} are undecided: the evidence is equal, look at them.")
