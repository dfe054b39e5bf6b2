"""What a source holds now, as far as it landed: what rows of another source are joined with."""

from collections.abc import Sequence

from octo_core.batch import Batch


def state_of(batches: Sequence[Batch]) -> list[Batch]:
    """The batches that together say what a source holds now: from its newest whole reading on, oldest first."""
    whole = [place for place, batch in enumerate(batches) if batch.full]
    return list(batches[whole[-1] :]) if whole else list(batches)
