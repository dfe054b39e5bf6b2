"""Which pipelines this process has to build: all of them, or the one that its run is about."""

import os
from collections.abc import Sequence

ONLY = "OCTOPIPE_ONLY"
"""Names the pipelines to build, comma-separated: set by who starts a run's process and knows what the run is about."""


def wanted_pipelines(names: Sequence[str]) -> list[str]:
    """`names`, less those that this process need not know. A run of one among a thousand starts in seconds so."""
    only = os.environ.get(ONLY)
    if not only:
        return list(names)
    wanted = set(only.split(","))
    return [name for name in names if name in wanted]
