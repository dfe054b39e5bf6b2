"""One malformed message, then a million of them: what a stream and a batch do. A part of the kill matrix (`flood`)."""

import time
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.kill_faults import load_all
from benchmarks.kill_ground import Ground
from demo.broker import Broker
from octo_core.errors import QuarantineLimit

MILLION: Final = 1_000_000
GOOD: Final = 1_000
_MODES: Final = (("continuous", ""), ("continuous", "max_rows: 1000"), ("batch", "max_ratio: 0.1"))
"""Without limits of the file's own a stream has one; a batch has none."""


def flood(folder: Path, broker: Broker, url: str) -> None:
    """Print what became of them. Raises SystemExit where a limit held nothing back, or a message is nowhere."""
    ground = Ground(folder, broker, url).prepare()
    ground.send(range(100, 100 + GOOD), poison=1)
    load_all(folder, "events", "continuous")
    expect(ground, "one malformed message among a thousand", GOOD + 20, 1)
    ground.send([], poison=MILLION)
    path = folder / "pipelines" / "events" / "pipeline.yaml"
    written = path.read_text()
    for how, limit in _MODES:
        path.write_text(f"{written}quarantine: {{{limit}}}\n")
        try:
            load_all(folder, "events", how)
        except QuarantineLimit as error:
            print(f"    a million of them, {how}: {error}", flush=True)
        else:
            raise SystemExit(f"a million malformed messages met no limit ({how}, {limit})")
        expect(ground, f"a million malformed messages, {how}, limits {{{limit}}}", GOOD + 20, 1)
    path.write_text(f"{written}quarantine: {{max_ratio: 1.0}}\n")
    began = time.monotonic()
    ground.send(range(5000, 5000 + GOOD))
    load_all(folder, "events", "continuous")
    expect(ground, "the same with `max_ratio: 1.0`, and a thousand good ones behind them", 2 * GOOD + 20, MILLION + 1)
    print(f"    in {time.monotonic() - began:.0f} s", flush=True)


def expect(ground: Ground, what: str, rows: int, aside: int) -> None:
    """Compare the table and the ledger with what has to be."""
    with psycopg.connect(ground.url) as connection:
        found = connection.execute(
            "SELECT (SELECT count(*) FROM event), sum(read)::int, sum(inserted)::int, sum(quarantined)::int "
            "FROM _octopipe.ledger WHERE table_name LIKE '%event%'"
        ).fetchone()
    print(f"{what}: rows, read, inserted, aside {found}", flush=True)
    if found != (rows, rows + aside, rows, aside):
        raise SystemExit(f"{(rows, rows + aside, rows, aside)} was to be")
