"""Measures by turns and says it: A B A B …, the median of five, and ratios within the one run."""

import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")
Case = Callable[[], float]
"""Prepares, does the work once and gives what was measured; only the work is on the clock."""


@dataclass(frozen=True)
class Figure:
    """What one case came to: its measurements, in `unit`, and what they are held against."""

    name: str
    unit: str
    values: tuple[float, ...]
    ratio: float | None = None
    """This median by the base's, or the base's by this one: what `against` says."""
    against: str = ""
    required: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)


def by_turns(cases: Mapping[str, Case], times: int = 5, warm: bool = True) -> dict[str, tuple[float, ...]]:
    """Every case `times` times, one after the other, so that what else the machine does meets all of them alike."""
    found: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(-1 if warm else 0, times):
        for name, case in cases.items():
            value = case()
            print(f"  {name:<44} {'warm-up' if turn < 0 else turn + 1}: {value:,.3f}", file=sys.stderr, flush=True)
            if turn >= 0:
                found[name].append(value)
    return {name: tuple(values) for name, values in found.items()}


def machine() -> dict[str, Any]:
    """Where it was measured."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.processor()
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "cores": os.cpu_count(),
        "processor": model,
        "memory_gb": round(memory),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_average": os.getloadavg()[0],
    }


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def report(title: str, figures: Sequence[Figure]) -> None:
    """Print the table, and keep it in benchmarks/results."""
    print(f"\n{title}")
    print(f"  {'':<44} {'median':>11} {'min':>11} {'max':>11}  ratio")
    for one in figures:
        held = f"{one.ratio:.2f} {one.against}" if one.ratio is not None else ""
        wanted = f" (required {one.required})" if one.required else ""
        values = f"{one.median:>11,.2f} {min(one.values):>11,.2f} {max(one.values):>11,.2f}"
        print(f"  {f'{one.name} [{one.unit}]':<44} {values}  {held}{wanted}")
    RESULTS.mkdir(exist_ok=True)
    kept = [vars(one) | {"median": one.median} for one in figures]
    document = {"title": title, "machine": machine(), "figures": kept}
    name = title.split(":", 1)[0].replace(" ", "-")
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
