"""A million JSON messages of four partitions into a table, against a consumer that throws them away and \\copy."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks.measure import Figure, by_turns, report
from benchmarks.place import Place, place
from benchmarks.rows import TABLE, write_csv, write_json
from demo.broker import Broker
from octo_resources.flow import Workspace, approve, land, load, prepare

ROWS = 1_000_000
PARTITIONS = 4
TOPIC = "sales"
_PIPELINE = """\
sources:
  sales: {{kind: kafka, brokers: "{brokers}", topic: {topic}, key: [id], sample: {{rows: 20000}}}}
destination: {{kind: postgres, url: "${{secret:env/BENCH_URL}}"}}
tables:
  public.sale: {{from: sales, write: append}}
"""


@contextmanager
def filled(here: Place, lines: Path) -> Iterator[Broker]:
    """A broker with the topic, its messages spread over the partitions."""
    broker = Broker(here.folder / "broker").start()
    try:
        admin = AdminClient({"bootstrap.servers": broker.address})
        admin.create_topics([NewTopic(TOPIC, num_partitions=PARTITIONS)])[TOPIC].result(30)
        producer = Producer(
            {"bootstrap.servers": broker.address, "linger.ms": 50, "queue.buffering.max.messages": 2_000_000}
        )
        with lines.open("rb") as records:
            for number, line in enumerate(records):
                producer.produce(TOPIC, value=line[:-1], key=b"%d" % number, partition=number % PARTITIONS)
                if number % 10_000 == 0:
                    producer.poll(0)
        producer.flush()
        yield broker
    finally:
        broker.stop()


class Sales:
    """A project with one pipeline that reads the topic, planned and approved."""

    def __init__(self, here: Place, broker: Broker) -> None:
        folder = here.folder / "project" / "pipelines" / "sales"
        folder.mkdir(parents=True)
        (folder / "pipeline.yaml").write_text(_PIPELINE.format(brokers=broker.address, topic=TOPIC))
        (here.folder / "project" / ".env").write_text(f"BENCH_URL={here.url}\n")
        self.space = Workspace.open(here.folder / "project")
        self.pipeline = self.space.pipeline("sales")
        self.space.destination(self.pipeline).prepare()
        print_ = prepare(self.space, self.pipeline).plan.fingerprint
        approve(self.space, self.pipeline, print_, reviewer="bench@octopipe.example", via="cli")


def ours(here: Place, sales: Sales, rows: int) -> float:
    """Rows a second from the first look at the topic's ends to the commit."""
    here.run("TRUNCATE sale; DELETE FROM _octopipe.positions")
    here.run("CHECKPOINT")
    started = time.monotonic()
    land(sales.space, sales.pipeline)
    landed = time.monotonic()
    outcome = load(sales.space, sales.pipeline)
    seconds = time.monotonic() - started
    print(f"    read {landed - started:.2f} s, loaded {started + seconds - landed:.2f} s", flush=True)
    inserted = sum(table.inserted for table in outcome.result.tables.values())
    if here.value("SELECT count(*) FROM sale") != rows or inserted != rows:
        raise SystemExit(f"only {inserted} rows were loaded")
    return rows / seconds


def bare(broker: Broker, rows: int) -> float:
    """Messages a second of a consumer that throws them away."""
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "bare", "enable.auto.commit": False})
    started, seen = time.monotonic(), 0
    consumer.assign([TopicPartition(TOPIC, partition, 0) for partition in range(PARTITIONS)])
    while seen < rows:
        seen += len(consumer.consume(10_000, 1.0))
    seconds = time.monotonic() - started
    consumer.close()
    return rows / seconds


def copied(here: Place, path: Path, rows: int) -> float:
    here.run("TRUNCATE sale")
    here.run("CHECKPOINT")
    started = time.monotonic()
    here.copy("sale", path)
    return rows / (time.monotonic() - started)


def run_kafka(times: int = 5, rows: int = ROWS) -> None:
    with place() as here:
        here.run(TABLE)
        lines = write_json(here.folder / "sale.jsonl", range(1, rows + 1))
        text = write_csv(lines, here.folder / "sale.csv")
        with filled(here, lines) as broker:
            sales = Sales(here, broker)
            found = by_turns(
                {
                    "octopipe, topic to table (library)": lambda: ours(here, sales, rows),
                    "a bare consumer, thrown away": lambda: bare(broker, rows),
                    "psql \\copy": lambda: copied(here, text, rows),
                },
                times,
            )
    middles = {name: sorted(values)[len(values) // 2] for name, values in found.items()}
    mine, slower = next(iter(middles.values())), min(list(middles.values())[1:])
    figures = [
        Figure(
            name,
            "rows/s",
            values,
            mine / middles[name] if place else None,
            "× its rate" if place else "",
            "≥ 0.6" if place and middles[name] == slower else "",
        )
        for place, (name, values) in enumerate(found.items())
    ]
    report(f"kafka: {rows:,} JSON messages of {PARTITIONS} partitions into an empty table with a primary key", figures)
