"""The whole `octopipe run`, Dagster's start included, less its load; and how fast the small commands answer."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measure import Figure, by_turns, report
from benchmarks.place import Place, Sales, place
from benchmarks.rows import TABLE, write_json

OCTOPIPE = Path(sys.executable).with_name("octopipe")
ROWS = 1_000_000


def command(root: Path, *words: str) -> tuple[float, float, str]:
    """Seconds on the wall and of CPU that the command took with all its processes, and what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run([OCTOPIPE, *words], cwd=root, env=environment, capture_output=True, text=True, check=False)
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"octopipe {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def _beyond(here: Place, sales: Sales) -> float:
    """Seconds of `octopipe run` that are not the library's load: Dagster's start, landing, the end."""
    here.run("TRUNCATE sale; CHECKPOINT")
    wall, _, said = command(sales.root, "run", sales.name, "--full", "--json")
    return wall - float(json.loads(said)["seconds"])


def run_command(times: int = 5) -> None:
    with place() as here:
        here.run(TABLE)
        sales = Sales(here, write_json(here.folder / "sale.jsonl", range(1, ROWS + 1)))
        found = by_turns({"octopipe run, less its load": lambda: _beyond(here, sales)}, times)
    figures = [Figure(name, "s", values, required="≤ 5 s") for name, values in found.items()]
    report(f"command: `octopipe run` of {ROWS:,} rows, Dagster's start included, less the load", figures)


def run_cli(times: int = 5) -> None:
    asked = {"--help": "< 0.4 s", "status": "< 1 s", "plan sales": "< 1 s"}
    cpu: dict[str, list[float]] = {name: [] for name in asked}
    with place() as here:
        here.run(TABLE)
        sales = Sales(here, write_json(here.folder / "sale.jsonl", range(1, 10_001)))

        def once(words: str) -> float:
            wall, seconds, _ = command(sales.root, *words.split())
            cpu[words].append(seconds)
            return wall

        found = by_turns({words: lambda words=words: once(words) for words in asked}, times)  # type: ignore[misc]
    figures = []
    for words, wanted in asked.items():
        figures.append(Figure(f"octopipe {words}", "s", found[words], required=wanted))
        figures.append(Figure(f"octopipe {words}, CPU", "s", tuple(cpu[words][1:])))
    report("cli: commands of a ready plan", figures)
