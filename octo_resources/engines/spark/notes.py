"""What travels with the rows from the task that reads them to the one that settles them: counts, refusals, an error.

A note is a row without tokens. It goes through the expressions as a row of NULLs would, which none of them minds, and
is taken out again behind them; so what was counted of a part comes back exactly once, with the part's rows.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import octo_core.errors as kinds
from octo_core.errors import LandingError, OctopipeError
from octo_resources.engines.duckdb import Refused, Tally
from octo_resources.engines.elsewhere import Told

NOTE: Final = "!note"
_COUNTS: Final = ("missing", "new_fields", "contract_failures", "unfit")


def of_tally(batch: str, tally: Tally) -> str:
    """What was counted of a batch's rows beside how many there are."""
    return json.dumps({"batch": batch, **counts_told(tally)})


def counts_told(tally: Tally) -> dict[str, Any]:
    """What a tally says beside its number of rows; `counted_as` makes it a tally again."""
    return {**{name: dict(getattr(tally, name)) for name in _COUNTS}, "told": tally.told}


def of_refused(rows: Sequence[Refused]) -> str:
    return json.dumps({"refused": [[one.row, one.column, one.reason, one.kind, one.value] for one in rows]})


def of_error(error: OctopipeError) -> str:
    """An error that no other try would mend: it is raised again by the driver."""
    return json.dumps({"error": _told(error)})


def error_text(error: OctopipeError) -> str:
    """An error as a task tells of it: `error_of(json.loads(…))` makes it again."""
    return json.dumps(_told(error))


def _told(error: OctopipeError) -> dict[str, str | None]:
    return {"kind": type(error).__name__, "message": error.message, "where": error.where, "hint": error.hint}


def counted_as(found: dict[str, Any]) -> Tally:
    """The counts by field that a note or a task tells of."""
    missing, new, failures, unfit = (Counter(found[name]) for name in _COUNTS)
    told = {file: Told(sha, tuple(stamps), tuple(notes)) for file, (sha, stamps, notes) in found["told"].items()}
    return Tally(missing=missing, new_fields=new, contract_failures=failures, unfit=unfit, told=told)


class Notes:
    """The notes of a part, read."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self.error: dict[str, Any] | None = None

    def read(self, text: str) -> list[Refused]:
        """Take in a note; gives the refused rows that it names."""
        found = json.loads(text)
        if "error" in found:
            self.error = found["error"]
        if "batch" in found:
            self.tallies.setdefault(found["batch"], Tally()).add(counted_as(found))
        return [Refused(*one) for one in found.get("refused", ())]


def error_of(told: dict[str, Any]) -> OctopipeError:
    """The error that a task told of."""
    kind = getattr(kinds, told["kind"], LandingError)
    made: OctopipeError = kind(told["message"], where=told["where"], hint=told["hint"])
    return made
