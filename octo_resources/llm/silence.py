"""What a command or a run has heard of a model that does not answer, so that it is not asked again for each table."""

from dataclasses import dataclass
from typing import Final

from octo_resources.llm.failures import Failure
from octo_resources.llm.settings import Access

TOO_SLOW: Final = 2
"""Answers in a row that did not come in time, after which no more is asked: each takes the whole time-out."""


@dataclass(slots=True)
class Silence:
    """Of one model, asked with one key. `why`: the reason why it is asked no more."""

    why: str | None = None
    slow: int = 0

    def broken(self) -> None:
        """An answer came."""
        self.slow = 0

    def heard(self, failure: Failure) -> None:
        """Note what went wrong, and whether it would go wrong with every other question."""
        self.slow = self.slow + 1 if failure.slow else 0
        if failure.for_good or self.slow >= TOO_SLOW:
            self.why = failure.message


Silences = dict[tuple[str | None, ...], Silence]
"""One command's, request's or run's, whichever of its steps and pipelines ask. A plain dict, as most ask none."""


def silence_of(found: Access, known: Silences) -> Silence:
    """What is known of the model that these settings name: with another key or address it is another one."""
    settings = found.settings
    return known.setdefault((settings.model, settings.base_url, settings.mode, found.key), Silence())
