"""From topics to a real PostgreSQL: ranges are loaded once, runs start by themselves, what is lost is told."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from octo_assets.announced_sensor import announced_sensor
from octo_assets.component import project_definitions
from octo_assets.kafka_sensor import kafka_sensor
from octo_core.errors import SourceError
from octo_core.ledger import LoadResult
from octo_resources.dagster import project_resources
from octo_resources.flow import Workspace, approve, land, load, prepare
from octo_resources.flow.offsets import retention_warnings, waiting_at
from octo_resources.flow.state import waiting
from octo_resources.project import Pipeline, Project
from tests.kafka.topics import Topics

FILE = """\
sources:
  flights: {{kind: kafka, brokers: "{brokers}", topic: {topic}, key: [id], {more}}}
destination: {{kind: postgres, url: "{url}"}}
tables:
  public.flight: {{key: [id]}}
retries: {{max: 0, delay: 1 h}}
"""
TABLE = "CREATE TABLE public.flight (id integer PRIMARY KEY, carrier text, delay integer)"


@dataclass
class Airport:
    """A project whose one pipeline reads a topic."""

    root: Path
    url: str
    topics: Topics
    topic: str

    @property
    def space(self) -> Workspace:
        return Workspace.open(self.root)

    def pipeline(self, space: Workspace) -> Pipeline:
        return space.pipeline("flights")

    def write(self, more: str = "batch: {rows: 4, age: 0}") -> None:
        folder = self.root / "pipelines" / "flights"
        folder.mkdir(parents=True, exist_ok=True)
        text = FILE.format(brokers=self.topics.broker.address, topic=self.topic, url=self.url, more=more)
        (folder / "pipeline.yaml").write_text(text)

    def say(self, *ids: int, carrier: str = "UA") -> None:
        self.topics.fill(self.topic, [json.dumps({"id": one, "carrier": carrier, "delay": one}) for one in ids])

    def approve(self) -> None:
        space = self.space
        print_ = prepare(space, self.pipeline(space)).plan.fingerprint
        approve(space, self.pipeline(space), print_, reviewer="ana@airline.example", via="cli")

    def land(self, **how: Any) -> None:
        land(self.space, self.pipeline(self.space), **how)

    def load(self) -> LoadResult:
        space = self.space
        return load(space, self.pipeline(space)).result

    def rows(self) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute("SELECT id, carrier FROM public.flight ORDER BY id").fetchall()

    def position(self) -> Any:
        with psycopg.connect(self.url) as connection:
            found = connection.execute("SELECT position FROM _octopipe.positions").fetchone()
        assert found is not None
        return found[0]["offsets"][self.topic]["next"]


@pytest.fixture
def airport(tmp_path: Path, postgres_url: str, topics: Topics) -> Airport:
    """A topic with three flights, and an empty table."""
    made = Airport(tmp_path, postgres_url, topics, topics.make())
    made.write()
    with psycopg.connect(postgres_url) as connection:
        connection.execute(TABLE)
    made.say(1, 2, 3)
    return made


def test_a_range_is_loaded_once_and_the_position_is_the_destinations(airport: Airport) -> None:
    airport.approve()
    airport.topics.fill(airport.topic, ["no json", '{"id": "no number"}'])  # neither is drift, nor stops anything
    airport.land()
    airport.land()  # of a load that failed: what is spooled is read again from where the destination is
    result = airport.load()
    ledger = result.tables["public.flight"]
    assert (ledger.read, ledger.inserted, ledger.quarantined) == (5, 3, 2)
    assert result.sources["flights"].to == f"{airport.topic} 0:5"
    assert airport.position() == {"0": 5}
    assert not list((airport.root / ".octopipe" / "landing").rglob("*.jsonl"))  # read again by its range, if ever
    airport.say(2, 4, carrier="AA")
    airport.topics.fill(airport.topic, [("3", None)])  # gone from the source, of which the table says nothing
    airport.land()
    ledger = airport.load().tables["public.flight"]
    assert (ledger.read, ledger.inserted, ledger.updated, ledger.tombstoned) == (3, 1, 1, 1)
    airport.land()
    assert airport.load().status == "nothing_new"
    airport.land(since=f"{airport.topic} 0:2")
    again = airport.load().tables["public.flight"]
    assert (again.read, again.unchanged, again.quarantined) == (
        6,
        3,
        2,
    )  # flight 3, two that are none, 2, 4 and a tombstone


def test_a_pipeline_that_waits_leaves_its_messages_where_they_are(airport: Airport) -> None:
    space = airport.space
    pipeline = airport.pipeline(space)
    airport.land()
    assert space.landing.batches("flights", "flights") == []
    prepare(space, pipeline)  # by a sample
    airport.say(4)
    found = waiting_at(space, pipeline, "flights")
    assert (found.messages, found.lost) == (4, 0)
    assert retention_warnings(space, pipeline) == ()


def test_what_is_threatened_is_told_with_the_answer_that_waits(airport: Airport) -> None:
    topics, topic = airport.topics, airport.topics.make(retention_ms=str(30 * 86_400_000))
    airport.topic = topic
    airport.write()
    old = topics.now() - 29 * 86_400_000
    topics.fill_at(topic, [(old, '{"id": 1, "carrier": "a", "delay": 1}'), (topics.now(), '{"id": 2}')])
    space = airport.space
    result = waiting(space, airport.pipeline(space), {})
    assert any("retention removes 1 unread messages before long" in one for one in result.warnings)


def test_with_copy_messages_land_before_the_approval_and_load_after_it(airport: Airport) -> None:
    airport.write("landing: copy")
    airport.land()
    airport.topics.forget(airport.topic, 0, 3)  # retention, while the plan waits
    airport.say(*range(4, 1504))  # so many that shares are taken of them: what Kafka says of a message is no drift
    airport.land()
    airport.approve()
    assert airport.load().tables["public.flight"].inserted == 1503
    assert airport.position() == {"0": 1503}


def test_lost_messages_fail_the_run_with_their_number(airport: Airport) -> None:
    airport.approve()
    airport.land()
    airport.load()
    airport.say(4, 5, 6)
    airport.topics.forget(airport.topic, 0, 5)
    with pytest.raises(SourceError, match="2 messages are lost"):
        airport.land()
    airport.land(since="earliest")
    assert airport.load().tables["public.flight"].inserted == 1
    airport.topics.drop(airport.topic)
    airport.topics.make(name=airport.topic)
    (warning,) = retention_warnings(airport.space, airport.pipeline(airport.space))
    assert "was made anew" in warning, "who looks at the lag is told why nothing of the new topic is loaded"


def test_what_retention_took_before_the_first_load_is_counted_too(airport: Airport) -> None:
    prepare(airport.space, airport.pipeline(airport.space))
    airport.topics.forget(airport.topic, 0, 2)
    (warning,) = retention_warnings(airport.space, airport.pipeline(airport.space))
    assert "2 messages are lost" in warning
    assert waiting_at(airport.space, airport.pipeline(airport.space), "flights").lost == 2
    airport.approve()
    with pytest.raises(SourceError, match="2 messages are lost"):
        airport.land()
    airport.land(since="earliest")
    assert airport.load().status == "loaded"
    assert waiting_at(airport.space, airport.pipeline(airport.space), "flights").lost == 0


def test_who_waits_for_approval_is_told_that_a_topic_keeps_only_so_much(airport: Airport) -> None:
    airport.topics.configure(airport.topic, retention_bytes="2000000")
    prepare(airport.space, airport.pipeline(airport.space))
    (warning,) = retention_warnings(airport.space, airport.pipeline(airport.space))
    assert "keeps 2,000,000 bytes a partition" in warning
    airport.approve()
    assert retention_warnings(airport.space, airport.pipeline(airport.space)) == ()


def _tick(airport: Airport, instance: dg.DagsterInstance) -> tuple[list[dg.RunRequest], str | None]:
    project = Project.at(airport.root)
    sensor = kafka_sensor(project, project.pipeline("flights").spec)
    assert sensor is not None
    with dg.build_sensor_context(instance=instance, resources=project_resources(project)) as context:
        data = sensor.evaluate_tick(context)
    return list(data.run_requests or ()), data.skip_message


def _run(airport: Airport, instance: dg.DagsterInstance, asked: dg.RunRequest) -> bool:
    """The run that the daemon would start."""
    job = project_definitions(Project.at(airport.root)).resolve_job_def("load")
    done = job.execute_in_process(
        instance=instance,
        asset_selection=list(asked.asset_selection or ()),
        run_config=dict(asked.run_config),
        tags=dict(asked.tags),
        raise_on_error=False,
    )
    return done.success


def test_a_sensor_starts_runs_for_ranges_from_the_destinations_position(airport: Airport) -> None:
    airport.approve()
    with dg.DagsterInstance.ephemeral() as instance:
        [asked], _ = _tick(airport, instance)
        airport.say(4, 5, 6)  # after the tick: not in this run's range
        assert _run(airport, instance, asked)
        assert len(airport.rows()) == 3
        [second], _ = _tick(airport, instance)
        assert second.run_key != asked.run_key
        assert _run(airport, instance, asked)  # a run that comes late finds its range loaded, and reads nothing
        assert len(airport.rows()) == 3
        assert _run(airport, instance, second)
        assert len(airport.rows()) == 6
        assert _tick(airport, instance) == ([], "nothing waits that is due")


def test_a_range_that_failed_is_tried_again_a_while_later(airport: Airport) -> None:
    airport.approve()
    with dg.DagsterInstance.ephemeral() as instance:
        [asked], _ = _tick(airport, instance)
        with psycopg.connect(airport.url) as connection:
            connection.execute("ALTER TABLE public.flight ADD CHECK (delay < 0)")  # other than what was approved
        _run(airport, instance, asked)
        requests, said = _tick(airport, instance)
        assert requests == []
        assert said is not None
        assert "once more after" in said
    assert airport.rows() == []


def test_a_range_that_fails_for_days_is_still_asked_for(airport: Airport, monkeypatch: pytest.MonkeyPatch) -> None:
    from octo_assets import sensing

    monkeypatch.setattr(sensing, "LONGEST_WAIT", 0.0)
    airport.approve()
    with dg.DagsterInstance.ephemeral() as instance:
        keys: list[str | None] = []
        for _ in range(25):
            [asked], _ = _tick(airport, instance)
            keys.append(asked.run_key)
            instance.add_run(dg.DagsterRun("load", tags=dict(asked.tags), status=dg.DagsterRunStatus.FAILURE))
    assert len(set(keys)) == 25, "Dagster starts no second run for a key"


def test_little_that_is_young_waits(airport: Airport) -> None:
    airport.write("batch: {rows: 4, age: 1 h}")
    airport.approve()
    with dg.DagsterInstance.ephemeral() as instance:
        assert _tick(airport, instance)[0] == []
        airport.say(4, 5)
        [asked], _ = _tick(airport, instance)
    ranges = json.loads(asked.run_config["ops"]["flights__raw"]["config"]["ranges"])
    assert [(one["start"], one["end"]) for one in ranges["flights"]] == [(0, 4)]  # batch.rows of them


def test_a_message_from_the_future_keeps_none_after_it_waiting(airport: Airport) -> None:
    airport.write("batch: {rows: 9, age: 1 h}")
    airport.approve()
    airport.topics.configure(airport.topic, message_timestamp_after_max_ms=str(2**63 - 1))
    row = json.dumps({"id": 4, "carrier": "UA", "delay": 4})
    with dg.DagsterInstance.ephemeral() as instance:
        airport.topics.fill_at(airport.topic, [(airport.topics.now() + 1_800_000, row)])
        assert _tick(airport, instance)[0] == [], "a clock that is half an hour ahead"
        airport.topics.fill_at(airport.topic, [(airport.topics.now() + 10**12, row)])
        assert len(_tick(airport, instance)[0]) == 1
        airport.land()
        assert airport.load().status == "loaded"
        assert _tick(airport, instance)[0] == []
        airport.say(5)  # what was read stays the first that is as young
        assert len(_tick(airport, instance)[0]) == 1


def test_a_sensor_leaves_what_nobody_approved(airport: Airport) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert _tick(airport, instance) == ([], "nothing waits that is due")


def test_a_landed_batch_is_announced_and_the_next_step_starts_from_there(airport: Airport) -> None:
    airport.write(f"landing: copy, batch: {{age: 0}}}}\ntransport: {{kafka: {airport.topic}.batches")
    airport.approve()
    airport.say(4)
    project = Project.at(airport.root)
    sensor = announced_sensor(project, project.pipeline("flights").spec)
    assert sensor is not None
    with dg.DagsterInstance.ephemeral() as instance:
        [landing], _ = _tick(airport, instance)
        assert [key.path[1] for key in landing.asset_selection or ()] == ["raw"]
        assert _run(airport, instance, landing)
        assert airport.rows() == []
        cursor = None
        for expected in (1, 0):
            with dg.build_sensor_context(
                instance=instance, resources=project_resources(project), cursor=cursor
            ) as context:
                data = sensor.evaluate_tick(context)
            cursor, asked = data.cursor, list(data.run_requests or ())
            assert len(asked) == expected
            assert all(_run(airport, instance, one) for one in asked)
    assert len(airport.rows()) == 4


def test_debeziums_changes_are_rows_and_its_deletes_marks(airport: Airport) -> None:
    topic = airport.topic = airport.topics.make()
    with psycopg.connect(airport.url) as connection:
        connection.execute("ALTER TABLE public.flight ADD gone_at timestamptz")
    airport.write("format: debezium")
    file = airport.root / "pipelines" / "flights" / "pipeline.yaml"
    file.write_text(file.read_text().replace("{key: [id]}\nretries", "{key: [id], deletes: {mark: gone_at}}\nretries"))

    def envelope(op: str, before: Any, after: Any) -> tuple[str, str]:
        key = json.dumps({"id": (after or before)["id"]})
        return key, json.dumps({"payload": {"op": op, "before": before, "after": after, "source": {"ts_ms": 5}}})

    first = {"id": 1, "carrier": "UA", "delay": 5}
    second = {"id": 2, "carrier": "AA", "delay": 7}
    changed = {**first, "delay": 9}
    airport.topics.fill(
        topic,
        [
            envelope("r", None, first),
            envelope("c", None, second),
            (None, json.dumps({"payload": {"ddl": "ALTER TABLE flight ADD note text"}})),
            envelope("u", first, changed),
            envelope("d", second, None),
            ('{"id": 2}', None),
        ],
    )
    airport.approve()
    airport.land()
    result = airport.load()
    ledger = result.tables["public.flight"]
    assert (ledger.read, ledger.inserted, ledger.deduplicated, ledger.tombstoned) == (5, 1, 3, 1)
    assert any("schema change: ALTER TABLE flight" in one for one in result.warnings)
    airport.topics.fill(topic, [envelope("d", changed, None)])
    airport.land()
    assert airport.load().tables["public.flight"].soft_deleted == 1
    with psycopg.connect(airport.url) as connection:
        found = connection.execute("SELECT id, delay, gone_at IS NOT NULL FROM public.flight ORDER BY id").fetchall()
    assert found[0] == (1, 9, True)
