"""What is lost and what is doubled when something breaks: every fault at every point of a load, batch and continuous.

`python -m benchmarks kill_matrix` starts a real broker and a real PostgreSQL and prints a table.
"""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg
import yaml

from benchmarks.kill_faults import Registry, by_two, load_all, while_slow
from benchmarks.place import place
from benchmarks.spark import below
from demo.broker import Broker
from octo_resources.engines.spark import close
from octo_resources.flow import Workspace, approve, prepare

ROOT: Final = Path(__file__).resolve().parent.parent
POINTS: Final = ("began", "copied", "before_commit", "after_commit", "told")
WHEN: Final = {
    "began": "before staging",
    "copied": "after staging",
    "before_commit": "before the commit",
    "after_commit": "after the commit, before the registry is told",
    "told": "after the registry is told",
    "task": "while a task brings rows",
    "": "",
}
MODES: Final = ("batch", "continuous", "spark")
READING: Final = ("broker slow", "two readers at once", "schema registry gone")
"""Faults of reading, which is the same for both engines."""
MESSAGES: Final = 60
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


@dataclass(frozen=True, slots=True)
class Case:
    """One cell: a fault at a point of a load."""

    fault: str
    point: str
    mode: str

    @property
    def text(self) -> str:
        return f"{self.fault}{' ' + WHEN[self.point] if self.point else ''}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case's rows."""

    case: Case
    messages: int
    lost: int
    doubled: int
    quarantined: int
    balanced: bool

    @property
    def good(self) -> bool:
        return not self.lost and not self.doubled and self.balanced


CASES: Final = (
    *(Case("process killed", point, mode) for mode in MODES for point in POINTS),
    *(Case(f"{part} killed", "task", "spark") for part in ("process", "executor", "Python worker")),
    *(Case("duplicate delivery", "", mode) for mode in MODES),
    *(Case("poison message", "", mode) for mode in MODES),
    *(Case("broker killed and restarted", "copied", mode) for mode in MODES),
    *(Case(fault, "", mode) for fault in READING for mode in ("batch", "continuous")),
)


@dataclass
class Ground:
    """A project folder whose pipeline reads one topic into two tables: one appended, one merged by key."""

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

    def prepare(self) -> "Ground":
        """Make topic, tables and files; approve the plan over a first few rows, and load them."""
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient({"bootstrap.servers": self.broker.address})
        for made in admin.create_topics([NewTopic(self.topic, num_partitions=2)]).values():
            made.result(30)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(_TABLES)
            if self.engine is not None:
                connection.execute(SLOW)
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
        return self

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
            value = json.dumps({"id": number, "amount": f"{number}.50", "at": f"2026-03-01T10:00:{number % 60:02d}Z"})
            producer.produce(self.topic, key=str(number), value=head + value.encode(), partition=number % 2)
        for number in range(poison):
            producer.produce(self.topic, key=f"bad {number}", value=b'{"id": 1, "amount"', partition=0)
        if producer.flush(30):
            raise RuntimeError("the broker took no messages")
        self.sent += ids
        self.poison += poison

    def before(self, case: Case) -> None:
        """Bring about what is there before the messages are."""
        if self.registry is not None and case.fault == "schema registry gone":
            self.schema += 1  # one that nobody has asked for yet
            self.registry.gone_for = 4

    def run(self, case: Case, flag: Path) -> None:
        """Load what waits while the fault happens; again after a process was killed."""
        faults = {"process killed": "killed", "broker killed and restarted": "broker"}
        fault = faults.get(case.fault, "task" if case.point == "task" else "")
        if fault:
            process = self._start(case, fault, flag)
            if fault == "broker":
                self._without_broker(process, flag)
            elif case.point == "task":
                kill_midway(self.url, process, case.fault.removesuffix(" killed"))
            ended = process.wait(600)
            if ended != (-signal.SIGKILL if fault == "killed" else 0):
                raise RuntimeError(f"the process of {case.text} ended with {ended}: {self.folder / 'process.log'}")
        if case.fault == "broker slow":
            while_slow(self.broker, lambda: load_all(self.folder, "events", case.mode))
        elif case.fault.startswith("two"):
            by_two(self.folder, "events", case.mode)
        elif fault != "broker":
            load_all(self.folder, "events", case.mode)
        if self.engine is not None:
            close()  # its executors are for the next case's process

    def _start(self, case: Case, fault: str, flag: Path) -> "subprocess.Popen[bytes]":
        words = [sys.executable, "-m", "benchmarks.killed", "events", case.mode, case.point or "-", fault, str(flag)]
        environment = os.environ | {
            "OCTOPIPE_HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "OCTOPIPE_EMBEDDING": "off",
        }
        with (self.folder / "process.log").open("ab") as log:
            return subprocess.Popen(words, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _without_broker(self, process: "subprocess.Popen[bytes]", flag: Path) -> None:
        while not flag.exists() and process.poll() is None:
            time.sleep(0.05)
        self.broker.kill()
        flag.write_text("go on")
        self.broker.start()

    def outcome(self, case: Case) -> Outcome:
        """Compare what is in the tables, and what the ledger says, with what was sent."""
        with psycopg.connect(self.url) as connection:
            events = [number for (number,) in connection.execute("SELECT id FROM event").fetchall()]
            sales = {number for (number,) in connection.execute("SELECT id FROM sale").fetchall()}
            ledger = connection.execute(
                "SELECT table_name, sum(read)::int, sum(quarantined)::int, sum(inserted + updated + unchanged + "
                "deduplicated + filtered + quarantined + tombstoned)::int FROM _octopipe.ledger GROUP BY 1"
            ).fetchall()
        wanted = set(self.sent)
        lost = len(wanted - set(events)) + len(wanted - sales)
        doubled = max(0, len(events) - len(self.sent)) + len(sales - wanted)
        messages = len(self.sent) + self.poison
        balanced = len(ledger) == 2 and all(read == messages == terms for _, read, _, terms in ledger)
        aside = max((found for _, _, found, _ in ledger), default=0)
        return Outcome(case, messages, lost, doubled, aside, balanced and aside == self.poison)


def kill_midway(url: str, process: "subprocess.Popen[bytes]", which: str) -> None:
    """Kill the process of a load, or all that work for it of a kind, while one of its tasks brings rows."""
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'octo_ld%' AND wait_event = 'PgSleep'"
    with psycopg.connect(url, autocommit=True) as connection:
        while process.poll() is None:
            row = connection.execute(asleep).fetchone()
            found = [process.pid] if which == "process" else running(which)
            if row is not None and row[0] and found:
                for one in found:
                    os.kill(one, signal.SIGKILL)
                return
            time.sleep(0.02)
    raise RuntimeError(f"the load was over before its {which} could be killed")


def running(which: str) -> list[int]:
    """The executors, or the Python workers of tasks, below this process."""
    told = {one: words(one) for one in below(os.getpid())}
    if which == "executor":
        return [one for one, said in told.items() if "CoarseGrainedExecutorBackend" in said]
    return [one for one, said in told.items() if "pyspark.daemon" in said and "pyspark.daemon" in words(parent(one))]


def words(pid: int) -> str:
    """What a process was started with."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def tried(ground: Ground, case: Case) -> Outcome:
    """One case, from its messages to the count."""
    start = 1 + max(ground.sent)
    ground.before(case)
    ids = list(range(start, start + MESSAGES))
    ground.send(ids, poison=1 if case.fault == "poison message" else 0)
    if case.fault == "duplicate delivery":
        ground.send(ids)
    ground.run(case, ground.folder / f"fault-{uuid.uuid4().hex[:8]}")
    return ground.outcome(case)


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The matrix as lines."""
    yield f"{'what breaks':<64} {'how':<11} {'messages':>8} {'aside':>6} {'lost':>5} {'doubled':>8}  ledger"
    for one in outcomes:
        yield (
            f"{one.case.text:<64} {one.case.mode:<11} {one.messages:>8} {one.quarantined:>6} {one.lost:>5} "
            f"{one.doubled:>8}  {'adds up' if one.balanced else 'DOES NOT ADD UP'}"
        )


@contextmanager
def engine_of(mode: str, folder: Path) -> Iterator[dict[str, Any] | None]:
    """The engine of the way's pipeline: for `spark` a cluster of a master and two workers."""
    if mode != "spark":
        yield None
        return
    from demo.cluster import standalone

    with standalone(folder) as cluster:
        yield {"kind": "spark", "master": cluster.master, "conf": {"spark.executor.memory": "600m"}}


def run_kill_matrix(_: int = 1) -> None:
    """Print the matrix. Raises SystemExit where anything was lost or doubled."""
    from benchmarks.kill_push import PUSH_CASES, PushGround  # which is made of this module's parts

    outcomes: list[Outcome] = []

    def try_all(ground: Ground, cases: Sequence[Case]) -> None:  # one ground: what one fault leaves, the next one meets
        for case in cases:
            outcomes.append(tried(ground, case))
            print(list(table(outcomes))[-1], flush=True)

    with place() as here, Registry().served() as registry:
        broker = Broker(here.folder / "broker").start()
        try:
            for mode in MODES:
                here.run(f"CREATE DATABASE {mode}")
                with engine_of(mode, here.folder) as engine:
                    url = here.url.replace("/bench?", f"/{mode}?")
                    ground = Ground(here.folder / mode, broker, url, registry=registry, engine=engine).prepare()
                    try_all(ground, [one for one in CASES if one.mode == mode])
            here.run("CREATE DATABASE push")
            with PushGround(here.folder / "push", broker, here.url.replace("/bench?", "/push?")).served() as pushed:
                try_all(pushed, PUSH_CASES)
        finally:
            broker.stop()
    print("\n".join(["", *table(outcomes)]))
    if not all(one.good for one in outcomes):
        raise SystemExit("rows were lost or doubled")
