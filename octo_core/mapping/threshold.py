"""The score from which on a pair holds."""

import math


def threshold_of(targets: int) -> float:
    """The score below which a column is left unmapped: the more targets, the higher is the best of them by chance."""
    return 0.32 + 0.075 * math.log10(targets + 1)
