"""A micro-batch that a follower of a stream read."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from octo_core.batch import Batch


@dataclass(frozen=True, slots=True)
class Caught:
    """What came of a source since the micro-batch before it."""

    batch: Batch
    stamps: NDArray[np.int64]
    """When its messages were produced, ms since 1970; empty where nobody said."""
    behind: int
    """Messages that were there already and are for the next ones; at least 1 where there are some."""
    findings: tuple[str, ...]
    """What is worth knowing: new partitions, topics that are gone."""
