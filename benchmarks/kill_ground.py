"""Where the kill matrix happens: a project whose pipeline reads one topic into two tables, appended and merged."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg
import yaml

from benchmarks.kill_cells import DRAIN, Case, Outcome
from benchmarks.kill_faults import Fault, Registry, kill_midway, load_all, while_away, while_slow
from demo.broker import Broker
from octo_resources.engines.spark import close
from octo_resources.flow import Workspace, approve, prepare

ROOT: Final = Path(__file__).resolve().parent.parent
SLOW: Final = """
CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity ~ '^octo_ld.*[.]s[0-9]')
  THEN PERFORM pg_sleep(1); END IF; END $$;
CREATE EVENT TRIGGER slow ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION slow();
"""
"""A task on Spark is a second in making its table: long enough for something to be killed then."""
_TABLES: Final = """
CREATE TABLE event (id bigint NOT NULL, amount numeric(10, 2) NOT NULL);
CREATE TABLE sale (id bigint PRIMARY KEY, amount numeric(10, 2) NOT NULL, at timestamptz NOT NULL, gone timestamptz);
"""


def item(number: int) -> dict[str, Any]:
    """What is sent, whichever way."""
    return {"id": number, "amount": f"{number}.50", "at": f"2026-03-01T10:00:{number % 60:02d}Z"}


@dataclass
class Ground:
    """One ground for all cells of a mode: what one fault leaves, the next one meets."""

    folder: Path
    broker: Broker
    url: str
    topic: str = field(default_factory=lambda: f"k{uuid.uuid4().hex[:10]}")
    registry: Registry | None = None
    """Where one is, each message begins with the number of a schema, another one after each `new_schema`."""
    schema: int = 1
    sent: list[int] = field(default_factory=list)
    poison: int = 0
    engine: dict[str, Any] | None = None
    """Of the pipeline, where it is not the embedded one."""
    messages: int = 60
    """Of each case."""
    met: bool = True
    """Whether the fault of the case had something to break."""

    def prepare(self) -> "Ground":
        """Make topic, tables and files; approve the plan over a first few rows."""
        self._make_topic()
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(_TABLES)
            if self.engine is not None:
                connection.execute(SLOW)
        self._slow_tasks(False)
        folder = self.folder / "pipelines" / "events"
        folder.mkdir(parents=True)
        (self.folder / "octopipe.yaml").write_text("registry: sqlite\n")
        (folder / "pipeline.yaml").write_text(yaml.safe_dump(self._pipeline(), sort_keys=False))
        own = {"id": "id", "amount": "amount"}
        (folder / "mapping.yaml").write_text(
            yaml.safe_dump({"public.event": own, "public.sale": {**own, "at": "at"}}, sort_keys=False)
        )
        self.send(range(20))
        space = Workspace.open(self.folder)
        pipeline = space.pipeline("events")
        fingerprint = prepare(space, pipeline).plan.fingerprint
        approve(space, pipeline, fingerprint, reviewer="ana@example.org", via="cli")
        space.registry.close()
        if self.engine is not None:
            load_all(self.folder, "events", "batch")  # the first fault is to find executors
        return self

    def _make_topic(self) -> None:
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient({"bootstrap.servers": self.broker.address})
        for made in admin.create_topics([NewTopic(self.topic, num_partitions=2)]).values():
            made.result(30)

    def _pipeline(self) -> dict[str, Any]:
        said = {"schema_registry": self.registry.url} if self.registry is not None else {}
        return {
            "sources": {"events": {"kind": "kafka", "brokers": self.broker.address, "topic": self.topic, **said}},
            "destination": {"kind": "postgres", "url": self.url},
            "tables": {
                "public.event": {"write": "append"},
                "public.sale": {"key": ["id"], "version": "at", "deletes": {"mark": "gone"}},
            },
            "stream": {"trigger": "continuous", "dead_letters": f"{self.topic}.dead"},
            **({"engine": self.engine} if self.engine is not None else {}),
        }

    def send(self, ids: Sequence[int] | range, *, poison: int = 0) -> None:
        """Produce a message for each id, and some that are no JSON."""
        from confluent_kafka import Producer

        producer = Producer({"bootstrap.servers": self.broker.address})
        head = b"\0" + self.schema.to_bytes(4) if self.registry is not None else b""
        for number in ids:
            value = head + json.dumps(item(number)).encode()
            producer.produce(self.topic, key=str(number), value=value, partition=number % 2)
        for number in range(poison):
            producer.produce(self.topic, key=f"bad {number}", value=b'{"id": 1, "amount"', partition=0)
            if number % 10_000 == 0:  # the producer's own queue holds 100,000
                producer.flush(60)
        if producer.flush(60):
            raise RuntimeError("the broker took no messages")
        self.sent += ids
        self.poison += poison

    def before(self, case: Case) -> None:
        """Bring about what is there before the messages are."""
        self.met = True
        if self.registry is not None and case.fault == "schema registry gone":
            self.schema += 1  # one that nobody has asked for yet
            self.registry.gone_for = 4

    def run(self, case: Case) -> None:
        """Load what waits while the fault happens; again after a process was killed."""
        self._slow_tasks(case.point == "task")
        if case.kills_the_load:
            self._killed(case)
            self._slow_tasks(False)
        elif case.point == "task":
            self._task_killed(case)
        elif case.point == "reading" and case.fault.startswith("broker"):
            (while_slow if case.fault == "broker slow" else while_away)(self.broker, lambda: self.load(case))
        else:
            fault = Fault(self.folder, self.broker, case)
            fault.around(lambda: self.load(case, fault))
            self.met = fault.met
        self.load(case)

    def load(self, case: Case, fault: "Fault | None" = None) -> None:
        load_all(self.folder, "events", case.way.how, fault.reached if fault is not None else None)

    def _killed(self, case: Case) -> None:
        """A process of its own loads, and dies at the point."""
        flag = self.folder / f"fault-{uuid.uuid4().hex[:8]}"
        point = DRAIN.get(case.fault, case.point)
        process = self.process(case.way.how, point, "task" if point == "task" else "killed", flag)
        if point == "task":
            kill_midway(self.url, lambda: process.poll() is not None, "driver", process.pid)
        ended = process.wait(600)
        if ended != -signal.SIGKILL:
            raise RuntimeError(f"the process of {case.text} ended with {ended}: {self.folder / 'process.log'}")

    def process(self, how: str, point: str, fault: str, flag: Path) -> "subprocess.Popen[bytes]":
        """Begin a load in a process of its own. Its log is `process.log`."""
        words = [sys.executable, "-m", "benchmarks.killed", "events", how, point, fault, str(flag)]
        environment = os.environ | {
            "OCTOPIPE_HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "OCTOPIPE_EMBEDDING": "off",
        }
        with (self.folder / "process.log").open("ab") as log:
            return subprocess.Popen(words, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _task_killed(self, case: Case) -> None:
        """Executors or Python workers die while the load of this process has tasks that bring rows."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as pool:
            loading = pool.submit(self.load, case)
            kill_midway(self.url, loading.done, case.fault.removesuffix("s killed"))
            self._slow_tasks(False)
            loading.result()

    def _slow_tasks(self, slow: bool) -> None:
        if self.engine is not None:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(f"ALTER EVENT TRIGGER slow {'ENABLE' if slow else 'DISABLE'}")

    def outcome(self, case: Case) -> Outcome:
        """Compare what is in the tables, and what the ledger says, with what was sent."""
        with psycopg.connect(self.url) as connection:
            events = [number for (number,) in connection.execute("SELECT id FROM event").fetchall()]
            sales = {number for (number,) in connection.execute("SELECT id FROM sale").fetchall()}
            ledger = connection.execute(
                "SELECT table_name, sum(read)::int, sum(quarantined)::int, sum(inserted + updated + unchanged + "
                "deduplicated + filtered + quarantined + tombstoned)::int FROM _octopipe.ledger GROUP BY 1"
            ).fetchall()
            left = connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'octo_ld%'").fetchone()
        wanted = set(self.sent)
        lost = len(wanted - set(events)) + len(wanted - sales)
        doubled = max(0, len(events) - len(self.sent)) + len(sales - wanted)
        messages = len(self.sent) + self.poison
        balanced = len(ledger) == 2 and all(read == messages == terms for _, read, _, terms in ledger)
        aside = max((found for _, _, found, _ in ledger), default=0)
        clean = left == (0,)  # no attempt's tables are left
        return Outcome(case, messages, lost, doubled, aside, balanced and clean and aside == self.poison, self.met)

    def end(self) -> None:
        """Give back what the loads of this process hold."""
        if self.engine is not None:
            close()


def tried(ground: Ground, case: Case) -> Outcome:
    """One case, from its messages to the count."""
    start = 1 + max(ground.sent)
    ground.before(case)
    ids = list(range(start, start + ground.messages))
    ground.send(ids, poison=1 if case.poisons else 0)
    if case.doubles:
        ground.send(ids)
    ground.run(case)
    return ground.outcome(case)
