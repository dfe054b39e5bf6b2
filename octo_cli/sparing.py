"""What a command does without, though it is installed."""

import sys
import warnings
from types import ModuleType


def spare_pandas() -> None:
    """Have pyarrow not look for pandas by itself: half a second of a run's three.

    As soon as an array is made of a list, pyarrow imports pandas wherever that is installed, to ask whether the list
    is one of its series; none of ours is. So it is shown one that is too old for it, and forgets about it.
    `to_pandas` looks again, and finds the real one.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    old = ModuleType("pandas")
    old.__dict__["__version__"] = "0"
    sys.modules["pandas"] = old
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pa.array([])
    finally:
        del sys.modules["pandas"]
