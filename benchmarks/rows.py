"""The rows of the load benchmarks: sales, the same at every run, as JSON lines, as CSV and as a table."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

TABLE = """
CREATE TABLE IF NOT EXISTS sale (
    id       bigint PRIMARY KEY,
    sold_at  timestamptz NOT NULL,
    customer text NOT NULL,
    amount   numeric(12, 2) NOT NULL,
    quantity integer NOT NULL,
    note     text
)
"""
COLUMNS = ("id", "sold_at", "customer", "amount", "quantity", "note")
_WORDS = [
    "parcel",
    "left",
    "with",
    "the",
    "neighbour",
    "called",
    "twice",
    "before",
    "noon",
    "gift",
    "wrapped",
    "paid",
    "by",
    "invoice",
    "collected",
    "in",
    "store",
]
_FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def row(number: int, version: int = 0) -> dict[str, Any]:
    """One sale of about 150 bytes as JSON; another `version` of it has another amount."""
    dice = Random(number)
    words = dice.choices(_WORDS, k=6)
    return {
        "id": number,
        "sold_at": (_FIRST + timedelta(seconds=number * 7)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "customer": f"C-{dice.randrange(10**6):06d}",
        "amount": dice.randrange(100, 10_000_000) / 100 + version,
        "quantity": dice.randrange(1, 100),
        "note": " ".join(words),
    }


def write_json(path: Path, numbers: range, changed_below: int = 0) -> Path:
    """JSON lines of these sales; those up to `changed_below` are newer versions of themselves."""
    with path.open("w") as out:
        for number in numbers:
            out.write(json.dumps(row(number, int(number <= changed_below))) + "\n")
    return path


def write_csv(source: Path, path: Path) -> Path:
    """The same rows as CSV without a header, as `\\copy … csv` takes them."""
    with source.open() as lines, path.open("w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(tuple(json.loads(line).values()) for line in lines)
    return path
