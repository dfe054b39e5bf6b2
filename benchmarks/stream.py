"""A stream at 5,000 messages a second for five minutes: how late rows are, and whether any is lost."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import yaml

from benchmarks.place import Place, place
from demo.broker import Broker
from octo_resources.flow import Workspace, approve, prepare

OCTOPIPE = Path(sys.executable).with_name("octopipe")
RATE = 5_000
SECONDS = float(os.environ.get("OCTOPIPE_BENCH_SECONDS", "300"))
TOPIC = "sales"
_TABLE = (
    "CREATE TABLE sale (id bigint PRIMARY KEY, amount numeric(10, 2) NOT NULL, status text, at timestamptz NOT NULL)"
)


def run_stream(_: int = 1) -> None:
    """One run of SECONDS (OCTOPIPE_BENCH_SECONDS; 300), trigger 1 s, one topic of four partitions, merge by key."""
    with place() as here:
        here.run(_TABLE)
        broker = Broker(here.folder / "broker").start()
        try:
            _project(here, broker)
            found = _streamed(here, broker)
        finally:
            broker.stop()
    print(f"{found['sent']:,} messages at {RATE:,}/s for {SECONDS:.0f} s, {found['micro_batches']} micro-batches")
    print(
        f"from the message to the visible row: p50 {found['p50']:.2f} s, p99 {found['p99']:.2f} s, {found['max']:.2f} s"
    )
    print(f"lost {found['lost']}, doubled {found['doubled']}")


def _project(here: Place, broker: Broker) -> None:
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": broker.address})  # held: what it promises ends with it
    admin.create_topics([NewTopic(TOPIC, num_partitions=4)])[TOPIC].result(30)
    folder = here.folder / "project" / "pipelines" / "sales"
    folder.mkdir(parents=True)
    said = {
        "sources": {"sales": {"kind": "kafka", "brokers": broker.address, "topic": TOPIC, "key": ["id"]}},
        "destination": {"kind": "postgres", "url": here.url},
        "tables": {"public.sale": {"key": ["id"]}},
        "stream": {"trigger": "1 s"},
    }
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
    mapping = {"public.sale": {name: name for name in ("id", "amount", "status", "at")}}
    (folder / "mapping.yaml").write_text(yaml.safe_dump(mapping, sort_keys=False))
    _produce(broker, range(1_000))
    space = Workspace.open(here.folder / "project")
    fingerprint = prepare(space, space.pipeline("sales")).plan.fingerprint
    approve(space, space.pipeline("sales"), fingerprint, reviewer="bench@octopipe.example", via="cli")
    space.registry.close()


def _produce(broker: Broker, numbers: range, rate: int | None = None) -> None:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 5})
    began = time.monotonic()
    for done, number in enumerate(numbers):
        value = {"id": number, "amount": f"{number % 1000}.50", "status": "paid", "at": "2026-03-01T10:00:00Z"}
        producer.produce(TOPIC, key=str(number), value=json.dumps(value))
        if done % 100 == 0:
            producer.poll(0)
            if rate:
                time.sleep(max(0.0, began + done / rate - time.monotonic()))
    producer.flush()


def _streamed(here: Place, broker: Broker) -> dict[str, Any]:
    environment = os.environ | {"OCTOPIPE_HOME": str(here.folder / "project")}
    stream = subprocess.Popen(
        [str(OCTOPIPE), "stream", "sales", "--json"],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert stream.stdout is not None
    first = json.loads(stream.stdout.readline())  # it is up: what was there is loaded
    sent = 1_000 + int(RATE * SECONDS)
    producing = threading.Thread(target=_produce, args=(broker, range(1_000, sent), RATE))
    producing.start()
    loaded, batches = int(first["rows"]), []
    for line in stream.stdout:
        made = json.loads(line)
        if made["event"] == "micro_batch":
            loaded += made["rows"]
            batches.append(made)
            if loaded >= sent:
                stream.send_signal(signal.SIGINT)
    stream.stdout.close()
    stream.wait()
    producing.join()
    with psycopg.connect(here.url) as connection:
        found = connection.execute("SELECT count(*), count(DISTINCT id) FROM sale").fetchone() or (0, 0)
    late = sorted((made["delay"]["p99"], made["rows"]) for made in batches if made["delay"])
    half = sorted((made["delay"]["p50"], made["rows"]) for made in batches if made["delay"])
    return {
        "sent": sent,
        "p50": _weighted(half, 0.5),
        "p99": _weighted(late, 0.99),
        "max": max(made["delay"]["max"] for made in batches if made["delay"]),
        "micro_batches": len(batches),
        "lost": sent - found[1],
        "doubled": found[0] - found[1],
    }


def _weighted(found: list[tuple[float, int]], share: float) -> float:
    """The micro-batch whose value `share` of all rows do not pass: no better than it is, for p99 is taken of p99s."""
    total, seen = sum(rows for _, rows in found), 0
    for value, rows in found:
        seen += rows
        if seen >= share * total:
            return value
    return found[-1][0] if found else 0.0
