"""A million rows merged into a million, a tenth new and a tenth changed; and the memory of loads of 1 and 5 million."""

import subprocess
import sys
import time

from benchmarks.measure import Figure, by_turns, report
from benchmarks.place import Place, Sales, place
from benchmarks.rows import TABLE, write_json
from octo_resources.flow import load

ROWS = 1_000_000


def _merged(here: Place, sales: Sales) -> float:
    """Seconds of one load by `merge` into the table as it was before."""
    here.run("TRUNCATE sale; INSERT INTO sale SELECT * FROM before; ANALYZE sale; CHECKPOINT")
    sales.land_again()
    started = time.monotonic()
    ledger = load(sales.space, sales.pipeline).result.tables["public.sale"]
    seconds = time.monotonic() - started
    if (ledger.inserted, ledger.updated) != (ROWS // 10, ROWS // 10):
        raise SystemExit(f"a tenth each was to be inserted and updated: {ledger}")
    return seconds


def run_merge(times: int = 5) -> None:
    with place() as here:
        here.run(TABLE)
        first = Sales(here, write_json(here.folder / "before.jsonl", range(1, ROWS + 1)), name="before")
        load(first.space, first.pipeline)
        here.run("CREATE TABLE before AS TABLE sale")
        # 900,000 of the rows that are there, 100,000 of them changed, and 100,000 new ones
        tenth = ROWS // 10
        path = write_json(here.folder / "sale.jsonl", range(tenth + 1, ROWS + tenth + 1), changed_below=2 * tenth)
        sales = Sales(here, path, write="merge")
        found = by_turns({"octopipe load, merge": lambda: _merged(here, sales)}, times)
    figures = [Figure(name, "s", values) for name, values in found.items()]
    report(f"merge: {ROWS:,} rows into {ROWS:,}, a tenth new, a tenth changed", figures)


_PEAK = """
import resource, sys
from octo_resources.flow import Workspace, load
space = Workspace.open(sys.argv[1])
load(space, space.pipeline("sales"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def run_memory(times: int) -> None:
    figures = []
    for rows in (ROWS, 5 * ROWS):
        with place() as here:
            here.run(TABLE)
            path = write_json(here.folder / "sale.jsonl", range(1, rows + 1))
            sales = Sales(here, path)
            peaks = []
            for _ in range(times):
                here.run("TRUNCATE sale")
                sales.land_again()
                done = subprocess.run(
                    [sys.executable, "-c", _PEAK, str(sales.root)], capture_output=True, text=True, check=True
                )
                peaks.append(float(done.stdout.splitlines()[-1]))
        base = figures[0].median if figures else None
        ratio = None if base is None else sorted(peaks)[len(peaks) // 2] / base
        against = "× the first" if ratio else ""
        figures.append(Figure(f"peak memory, {rows:,} rows", "MB", tuple(peaks), ratio, against))
    report("memory: the loading process's peak, all libraries included", figures)
