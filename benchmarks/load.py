"""A million JSON lines into an empty table with a primary key: the library's load, psql's \\copy, and dlt."""

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measure import Figure, by_turns, report
from benchmarks.place import Place, Sales, place
from benchmarks.rows import TABLE, write_csv, write_json
from octo_resources.flow import load

ROWS = 1_000_000
DLT_JSON_ROWS = 100_000
"""Rates are compared: dlt takes minutes for a million dicts."""


def library(here: Place, sales: Sales) -> float:
    """Rows a second of one load: gate, parse, casts, drift, ledger and commit. The batch landed before the clock."""
    here.run("TRUNCATE sale")
    sales.land_again()
    here.run("CHECKPOINT")
    started = time.monotonic()
    outcome = load(sales.space, sales.pipeline)
    seconds = time.monotonic() - started
    inserted = sum(table.inserted for table in outcome.result.tables.values())
    if here.value("SELECT count(*) FROM sale") != inserted or inserted < DLT_JSON_ROWS:
        raise SystemExit(f"only {inserted} rows were loaded")
    return inserted / seconds


def copied(here: Place, path: Path) -> float:
    """Rows a second of psql's own \\copy into the same table."""
    here.run("TRUNCATE sale")
    here.run("CHECKPOINT")
    started = time.monotonic()
    here.copy("sale", path)
    seconds = time.monotonic() - started
    return int(here.value("SELECT count(*) FROM sale")) / seconds


def dlt(here: Place, path: Path, kind: str) -> float:
    """Rows a second of dlt in a process of its own; imports and reading the file are not on its clock."""
    here.run("DROP SCHEMA IF EXISTS bench_dlt CASCADE; DROP SCHEMA IF EXISTS bench_dlt_staging CASCADE")
    here.run("CHECKPOINT")
    home = here.folder / f"dlt-{time.monotonic_ns()}"
    environment = os.environ | {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "DLT_DATA_DIR": str(home),
        "DLT_PROJECT_DIR": str(home),
    }
    home.mkdir()
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.with_dlt", here.dlt_url, str(path), kind, str(home)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout.splitlines()[-1])


def run(times: int = 5, rows: int = ROWS) -> None:
    with place() as here:
        here.run(TABLE)
        lines = write_json(here.folder / "sale.jsonl", range(1, rows + 1))
        text = write_csv(lines, here.folder / "sale.csv")
        few = write_json(here.folder / "few.jsonl", range(1, min(rows, DLT_JSON_ROWS) + 1))
        sales = Sales(here, lines)
        found = by_turns(
            {
                "octopipe load (library)": lambda: library(here, sales),
                "psql \\copy": lambda: copied(here, text),
                "dlt, Arrow": lambda: dlt(here, lines, "arrow"),
                "dlt, JSON": lambda: dlt(here, few, "json"),
            },
            times,
        )
        size = lines.stat().st_size / 1e6
    ours = sorted(found["octopipe load (library)"])[len(found["octopipe load (library)"]) // 2]
    figures = []
    for (name, values), wanted in zip(found.items(), ("", "≥ 0.8", "≥ 5", "≥ 30"), strict=True):
        middle = sorted(values)[len(values) // 2]
        ratio = None if name.startswith("octopipe") else ours / middle
        figures.append(Figure(name, "rows/s", values, ratio, "× its rate" if ratio else "", wanted))
    report(f"load: {rows:,} JSON lines ({size:.0f} MB) into an empty table with a primary key", figures)
