"""`python -m benchmarks.eval DIR`: every figure of quality there is, mapping and types, in one go (`make eval`).

DIR holds `mapping/` and `types/`; docs/quality.md says how to get them. What is not there is left out, and said.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import eval_mapping, eval_types

PARTS: tuple[tuple[str, Callable[[list[str]], int]], ...] = (
    ("mapping", eval_mapping.main),
    ("types", eval_types.main),
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    folder = parser.parse_args(arguments).folder
    there = [part for part in PARTS if folder is not None and (folder / part[0]).is_dir()]
    if not there:
        hint = "make eval DATA=folder; docs/quality.md says how to get the data"
        print(f"no mapping/ or types/ in {folder or 'no folder'}: {hint}", file=sys.stderr)
        return 2
    failed = 0
    for name, run in PARTS:
        print(f"\n== {name} ==")
        if (name, run) not in there:
            print(f"{folder / name} is not there: left out")
            continue
        began = time.perf_counter()
        failed = max(failed, run([str(folder / name)]))
        print(f"({time.perf_counter() - began:.0f} s in all)")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
