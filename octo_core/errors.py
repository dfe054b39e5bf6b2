"""The errors of Octopipe, one small tree; the edges turn them into exit codes, HTTP statuses and Dagster failures.

OctopipeError
├── UsageError            bad flag, file, expression, label or configuration: exit code 2
│   └── SpecError         mistakes in a project's files, all of them at once, each with file, line and column
├── NotSupportedYet       a part of the contract that is not built yet: exit code 2
├── NotApproved           the gate: nobody approved exactly this plan: exit code 3
│   ├── TablesChanged     the tables are not those of the plan; made anew it may be the approved one all the same
│   └── MappingOutgrown   the source changed, and the approved mapping does not fit it: no new plan before it is mended
├── SourceError           the source could not be read
├── LandingError          a landed batch is missing, damaged or does not match its manifest
├── DestinationError      the destination could not be read or written
├── EngineError           the engine could not be started or reached, or its work failed
├── DriftStop             the source changed and the pipeline says `stop`
├── QuarantineLimit       more rows were set aside than the pipeline allows
├── LoadAborted           somebody asked that the load ends; nothing was committed
├── OutOfTime             an extraction or a load took longer than `limits.time`; nothing was committed
├── TooMuch               an expression that is tried takes more time or memory than a trial may
├── LedgerMismatch        rows did not add up; the load was rolled back
└── RegistryError         the registry is unreachable, damaged or was tampered with
"""

from collections.abc import Sequence
from dataclasses import dataclass


class OctopipeError(Exception):
    """What happened (`message`), where (`where`) and what to do next (`hint`)."""

    exit_code = 1
    retryable = False
    """Whether the same step, tried again a little later with nothing changed, could succeed."""

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head}\n  {self.hint}" if self.hint else head


class UsageError(OctopipeError):
    """The user asked for something that cannot be: a flag, a name, an expression, a label."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in a file. `line` and `column` count from 1; `snippet` is the text with a marker line under it."""

    file: str
    line: int
    column: int
    message: str
    snippet: str | None = None

    def __str__(self) -> str:
        head = f"{self.file}:{self.line}:{self.column}  {self.message}"
        return head if not self.snippet else f"{head}\n{self.snippet}"


class SpecError(UsageError):
    """Every mistake found in a project's files, at once."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        count = len(self.mistakes)
        tail = f"{count} mistake{'' if count == 1 else 's'}; nothing was changed."
        super().__init__("\n".join([*map(str, self.mistakes), tail]))


class NotSupportedYet(UsageError):
    """A part of the contract that is planned but not built; the message names it."""


class NotApproved(OctopipeError):
    """Nobody approved exactly this fingerprint."""

    exit_code = 3

    def __init__(self, message: str, *, fingerprint: str, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, where=where, hint=hint)
        self.fingerprint = fingerprint


class TablesChanged(NotApproved):
    """The destination's tables are not those of the plan; a plan made anew may be the approved one all the same."""


class MappingOutgrown(NotApproved):
    """The source changed since the approval so that the mapping fits no more; `mistakes` are what does not fit."""

    def __init__(
        self, mistakes: Sequence[Mistake], *, fingerprint: str, where: str | None = None, hint: str | None = None
    ) -> None:
        self.mistakes = tuple(mistakes)
        said = "its source changed since the approval, and the mapping does not fit it any more"
        super().__init__("\n".join([f"{said}:", *map(str, mistakes)]), fingerprint=fingerprint, where=where, hint=hint)


class PassingError(OctopipeError):
    """What may pass by itself: whoever raises it can say whether trying again could help."""

    def __init__(
        self, message: str, *, where: str | None = None, hint: str | None = None, retryable: bool | None = None
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        if retryable is not None:
            self.retryable = retryable


class SourceError(PassingError):
    """The source could not be read."""

    retryable = True


class LandingError(PassingError):
    """A landed batch is missing, damaged, or differs from its manifest; or the landing zone cannot be used."""


class DestinationError(PassingError):
    """The destination could not be reached, read or written."""


class EngineError(PassingError):
    """The engine could not be started or reached, or its work failed; nothing was committed."""


class DriftStop(OctopipeError):
    """The source changed and the pipeline's policy is `stop`; its data landed."""


class QuarantineLimit(OctopipeError):
    """More rows were set aside than `quarantine` allows; nothing was committed."""


class LoadAborted(OctopipeError):
    """Somebody asked that the load ends; nothing was committed."""


class OutOfTime(OctopipeError):
    """An extraction or a load took longer than `limits.time`; nothing of it landed or was committed."""


class TooMuch(OctopipeError):
    """An expression that is tried takes more time or memory than a trial may."""


class LedgerMismatch(OctopipeError):
    """The rows do not add up against the destination's own count; the load was rolled back."""


class RegistryError(OctopipeError):
    """The registry cannot be used: unreachable, of another version, or its decisions were altered."""
