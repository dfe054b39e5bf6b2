"""A stream, from a real broker to a real PostgreSQL: what is approved loads as it comes, and nothing else does."""

import json
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import Producer

from benchmarks.kill_cells import CASES
from benchmarks.kill_faults import Registry
from benchmarks.kill_ground import Ground, tried
from demo.broker import Broker, free_port
from octo_core.errors import QuarantineLimit, UsageError
from octo_core.streaming import MicroBatch, StreamState
from octo_resources.flow import reject, streaming
from octo_resources.flow.proposing import correct
from octo_resources.flow.rows_aside import set_aside
from octo_resources.flow.stream_state import Telling, stream_lock, stream_state
from octo_resources.flow.streaming import Streaming
from octo_resources.kafka.client import quiet
from octo_resources.kafka.replaying import Sent, replay_letters
from tests.servers.s3 import S3Server, breaking
from tests.streaming.project import Stream, sale

OCTOPIPE = Path(sys.executable).with_name("octopipe")


def test_nothing_loads_before_the_approval_and_all_of_it_after(stream: Stream) -> None:
    stream.send(*(sale(number) for number in range(1, 31)))
    waiting = stream.follow()
    assert waiting.status == "waiting_for_approval"
    assert "octopipe approve sales" in (waiting.message or "")
    assert stream.sql("SELECT count(*) FROM sale") == [(0,)]

    stream.approve()
    stream.send(("7", None), sale(8, amount="8.75", at="2026-03-02T10:00:00Z"))
    state = stream.follow()
    assert (state.status, state.rows) == ("stopped", 32)
    (made,) = stream.told
    ledger = made.tables["public.sale"]
    assert (ledger.read, ledger.inserted, ledger.deduplicated, ledger.tombstoned) == (32, 29, 2, 1)
    assert made.delay is not None
    assert made.delay.p50 <= made.delay.p99 <= made.delay.max

    stream.send(("9", None), sale(31))
    stream.follow()
    assert stream.sql("SELECT id FROM sale WHERE gone IS NOT NULL") == [(9,)]
    assert stream.sql("SELECT count(*) FROM sale") == [(30,)]
    kept = stream_state(stream.root / ".octopipe", "sales")
    assert kept is not None
    assert (kept.status, kept.rows) == ("stopped", 2)
    assert stream.follow().rows == 0, "what is loaded is not read again"


def test_micro_batches_share_a_connection_and_one_that_is_lost_is_made_anew(stream: Stream) -> None:
    stream.send(*(sale(number) for number in range(1, 51)))
    stream.write(stream={"trigger": "continuous", "max_rows": 10})
    stream.approve()
    ours = "FROM pg_stat_activity WHERE application_name = 'octopipe' AND datname = current_database()"
    seen: list[int] = []

    def between(number: int) -> None:
        seen.extend(pid for (pid,) in stream.sql(f"SELECT pid {ours}"))
        if number == 3:
            stream.sql(f"SELECT pg_terminate_backend(pid, 5000) {ours}")

    assert stream.follow(between).status == "stopped"
    assert len(seen) == 5
    assert len(set(seen[:3])) == len(set(seen[3:])) == 1
    assert seen[2] != seen[3]
    assert stream.said == [], "nothing was tried again"
    assert stream.sql("SELECT count(*) FROM sale") == [(50,)]
    assert stream.sql(f"SELECT pid {ours}") == []


def test_a_landing_zone_that_is_gone_for_a_moment_ends_no_stream(
    stream: Stream, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.keys.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("octo_resources.objects.s3.PATIENCE", (5, 0))
    (stream.root / "octopipe.yaml").write_text(f"registry: sqlite\nlanding: {{path: s3://{s3.bucket()}/zone}}\n")
    stream.send(*(sale(number) for number in range(1, 11)), ("11", "no json"))
    stream.approve()
    port, said = free_port(), []
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    with ExitStack() as later:

        def back(words: str) -> None:
            said.append(words)
            if len(said) == 1:
                later.enter_context(breaking(s3, after=1 << 62, port=port))

        space = stream.space
        following = Streaming(
            space, space.pipeline("sales"), told=lambda _: None, stopping=threading.Event(), said=back, once=True
        )
        assert (following.run().status, len(said)) == ("stopped", 1)
    assert "nothing answers at" in said[0]
    assert stream.sql("SELECT count(*) FROM sale") == [(10,)]


@pytest.mark.parametrize("what", ["revoked", "altered"])
def test_what_was_approved_is_asked_for_each_micro_batch(stream: Stream, what: str) -> None:
    stream.send(*(sale(number) for number in range(1, 31)))
    stream.write(stream={"trigger": "continuous", "max_rows": 10})
    fingerprint = stream.approve()

    def between(number: int) -> None:
        if number == 2 and what == "revoked":
            reject(stream.space, stream.space.pipeline("sales"), fingerprint, reviewer="ana@shop.example", via="cli")
        elif number == 2:
            stream.sql("ALTER TABLE sale ADD CHECK (amount > 0)")

    state = stream.follow(between)
    assert state.status == "waiting_for_approval"
    assert stream.sql("SELECT count(*) FROM sale") == [(20,)]
    assert len(stream.told) == 2


def test_the_plan_is_made_again_when_what_it_stands_on_is_another(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "LOOK", 0.0)
    stream.send(*(sale(number) for number in range(1, 31)))
    stream.write(stream={"trigger": "continuous", "max_rows": 10})
    stream.approve()

    def between(number: int) -> None:
        if number == 1:  # nothing that a plan has to do with
            stream.sql("CREATE INDEX ON sale (at); ALTER TABLE sale ADD COLUMN note text")
        elif number == 2:
            doubled = {"public.sale.amount": "cast(amount * 2 as decimal(10, 2))"}
            correct(stream.space, stream.space.pipeline("sales"), doubled, reviewer="ana@shop.example")

    assert stream.follow(between).status == "waiting_for_approval"
    assert stream.sql("SELECT count(*) FROM sale") == [(20,)]
    stream.approve()
    stream.write(stream={"trigger": "continuous", "max_rows": 5})
    stream.follow(lambda _: stream.write(stream={"trigger": "continuous", "max_rows": 4}))
    assert [one.rows for one in stream.told] == [5, 4, 1], "a file that is edited holds from the next micro-batch on"
    assert stream.sql("SELECT sum(amount)::int FROM sale WHERE id > 20") == [(2 * 260,)]


def test_one_bad_message_stops_nothing_and_goes_to_the_dead_letters(stream: Stream) -> None:
    stream.send(*(sale(number) for number in range(1, 11)))
    stream.approve()
    headers = {"trace": "abc"}
    stream.topics.fill(stream.topic, [("11", '{"id": 11, "amo', headers), sale(12), sale(13, amount="much")])
    state = stream.follow()
    assert state.status == "stopped"
    assert stream.told[-1].dead_letters == 2
    assert stream.sql("SELECT count(*) FROM sale") == [(11,)]
    assert stream.sql("SELECT sum(quarantined)::int FROM _octopipe.ledger") == [(2,)]
    letters = _messages(stream, f"{stream.topic}.dead")
    first, second = sorted(letters, key=lambda one: str(one[0]))
    assert first[:2] == (b"11", b'{"id": 11, "amo')
    assert first[2]["trace"] == b"abc"
    assert first[2]["octopipe.id"] == f"{stream.topic}/0/10".encode()
    assert b"malformed JSON" in first[2]["octopipe.reason"]
    assert second[2]["octopipe.column"] == b"amount"

    # After a fix they go back to where they came from, each once, and are set aside no more.
    space = stream.space
    assert len(list(set_aside(space, "sales"))) == 2
    assert replay_letters(space, space.pipeline("sales")) == Sent({stream.topic: 2})
    assert list(set_aside(space, "sales")) == []
    assert replay_letters(space, space.pipeline("sales")) == Sent({})
    again = _messages(stream, stream.topic)[-2:]
    assert sorted(one[1] for one in again) == sorted(one[1] for one in letters)
    assert dict(again[0][2])["octopipe.replayed"] in {first[2]["octopipe.id"], second[2]["octopipe.id"]}


def test_a_letter_whose_row_was_replayed_or_given_up_already_is_not_sent_back(stream: Stream) -> None:
    stream.send(*(sale(number) for number in range(1, 11)))
    stream.approve()
    stream.send(sale(11, amount="much"), sale(12, amount="more"))
    stream.follow()
    space = stream.space
    given_up = next(row for _, row in set_aside(space, "sales") if "much" in row.payload)
    space.quarantine.settle("sales", "discarded", [(given_up.table, given_up.id)])
    assert replay_letters(space, space.pipeline("sales")) == Sent({stream.topic: 1}, settled=1)


def test_a_bad_message_that_is_too_large_for_the_dead_letters_stops_nothing(stream: Stream) -> None:
    stream.send(sale(1))
    stream.approve()
    stream.topics.configure(stream.topic, max_message_bytes="8388608")
    wide = Producer({"bootstrap.servers": stream.topics.broker.address, "message.max.bytes": 8_000_000}, logger=quiet)
    for number, size in (
        (2, 1_020_000),
        (3, 3_000_000),
    ):  # brokers take 1,048,588 bytes by themselves
        wide.produce(stream.topic, key=str(number), value=b'{"id": ' + b" " * size, headers=[("trace", b"abc")])
    wide.flush(30)
    stream.send(sale(4))
    assert stream.follow().status == "stopped"
    assert sum(made.dead_letters for made in stream.told) == 2
    assert stream.sql("SELECT id FROM sale ORDER BY id") == [(1,), (4,)]
    small, large = sorted(_messages(stream, f"{stream.topic}.dead"), key=lambda one: one[2]["octopipe.offset"])
    assert (small[0], len(small[1]), small[2]["trace"]) == (b"2", 1_020_007, b"abc")
    assert large[:2] == (None, None)
    assert large[2]["octopipe.id"] == f"{stream.topic}/0/2".encode()
    assert large[2]["octopipe.bytes"] == b"3000007"
    assert replay_letters(stream.space, stream.space.pipeline("sales")) == Sent({stream.topic: 1}, landed=1)


def _messages(stream: Stream, topic: str) -> list[tuple[bytes, bytes, dict[str, bytes]]]:
    from confluent_kafka import Message

    from octo_core.offsets import OffsetRange, Place
    from octo_resources.kafka.cluster import Cluster
    from octo_resources.kafka.reader import Reader

    settings = {"bootstrap.servers": stream.topics.broker.address}
    found: list[Message] = []

    def take(_: Place, messages: list[Message]) -> int:
        found.extend(messages)
        return 0

    with Cluster(settings) as cluster, Reader(settings) as reader:
        ends = cluster.ends(cluster.topics([topic]))
        reader.read(
            [OffsetRange(topic=topic, topic_id="", partition=one.partition, start=0, end=one.high) for one in ends],
            take,
        )
    return [(one.key(), one.value(), dict(one.headers() or [])) for one in found]


def test_too_many_bad_messages_end_it_and_say_so(stream: Stream) -> None:
    stream.send(*(sale(number) for number in range(1, 11)))
    stream.write(quarantine={"max_rows": 100})
    stream.approve()
    assert stream.follow().status == "stopped"
    stream.send(*((str(number), "no JSON at all") for number in range(60)))
    assert stream.follow().status == "stopped"
    stream.send(*((str(number), "no JSON at all") for number in range(60)))
    with pytest.raises(QuarantineLimit, match=r"120 of the last 130 rows of public\.sale are set aside"):
        stream.follow()
    kept = stream_state(stream.root / ".octopipe", "sales")
    assert kept is not None
    assert kept.status == "failed"
    assert stream.sql("SELECT sum(read)::int, sum(quarantined)::int FROM _octopipe.ledger") == [(70, 60)]


def test_a_drift_waits_for_approval_and_loses_nothing(stream: Stream) -> None:
    stream.send(*(sale(number) for number in range(1, 101)))
    stream.approve()
    stream.follow()
    stream.send(sale(101, colour="red"), sale(102))
    assert stream.follow().status == "stopped", "one odd message is no drift"
    stream.send(*(sale(number, colour="red") for number in range(103, 203)))
    state = stream.follow()
    assert state.status == "waiting_for_approval"
    assert "colour" in (state.message or "")
    assert stream.sql("SELECT count(*) FROM sale") == [(102,)]
    stream.approve()
    assert stream.follow().status == "stopped"
    assert stream.sql("SELECT count(*), sum((id)::int)::int FROM sale") == [(202, sum(range(1, 203)))]


def test_ctrl_c_and_stop_end_it_cleanly(stream: Stream) -> None:
    stream.send(*(sale(number) for number in range(1, 11)))
    stream.approve()
    stream.write(stream={"trigger": "200 ms"})
    stream.approve()
    environment = {"OCTOPIPE_HOME": str(stream.root), "OCTOPIPE_EMBEDDING": "off", "PATH": "/usr/bin:/bin"}
    for how in (signal.SIGINT, signal.SIGTERM, "stop"):
        process = subprocess.Popen(
            [str(OCTOPIPE), "stream", "sales", "--json"],
            env=environment, cwd=stream.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        first = json.loads(process.stdout.readline()) if process.stdout is not None else {}
        assert first["event"] == "micro_batch", "the history, or what came since"
        if isinstance(how, signal.Signals):
            process.send_signal(how)
        else:
            stream.registry.controls.switch("sales", "stopped", by="ana")
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert json.loads(out.splitlines()[-1])["status"] == "stopped"
        number = 100 + len(stream.sql("SELECT id FROM sale"))
        stream.send(sale(number))
    with stream_lock(stream.root / ".octopipe", "sales"), pytest.raises(UsageError, match="streaming already"):
        stream.follow()


def test_killed_anywhere_it_loses_and_doubles_nothing(tmp_path: Path, postgres_url: str, broker: Broker) -> None:
    with Registry().served() as registry:
        ground = Ground(tmp_path / "ground", broker, postgres_url, registry=registry).prepare()
        wanted = [
            one
            for one in CASES
            if one.mode == "continuous" and (one.fault == "driver killed" or one.point in ("", "reading"))
            if not one.fault.startswith(("broker", "extraction"))  # other tests use the broker: `make kill-matrix`
        ]
        for case in wanted:
            outcome = tried(ground, case)
            assert outcome.good, outcome
        assert registry.refused, "the registry was gone when it was asked"


def test_a_pipeline_without_a_stream_is_refused(stream: Stream) -> None:
    stream.write(stream=None)
    with pytest.raises(UsageError, match="sales is no stream"):
        stream.follow()


def test_status_tells_of_a_stream_whose_process_is_gone(stream: Stream) -> None:
    stream.send(sale(1))
    stream.approve()
    stream.follow()
    path = stream.root / ".octopipe" / "streams" / "sales.json"
    said = StreamState.model_validate_json(path.read_bytes()).model_copy(update={"status": "running"})
    path.write_text(said.model_dump_json())
    found = stream_state(stream.root / ".octopipe", "sales")
    assert found is not None
    assert found.status == "failed"
    assert time.time() - found.since.timestamp() < 600


def test_what_is_tried_again_runs_once_its_source_answers(tmp_path: Path) -> None:
    telling = Telling(tmp_path, "sales")
    telling.running("f1")
    telling.retrying("the brokers are gone")
    telling.running("f2")  # the plan was made anew; nobody has asked the brokers yet
    assert (telling.state.status, telling.state.message) == ("retrying", "the brokers are gone")
    telling.idle("sales")
    assert (telling.state.status, telling.state.message, telling.state.fingerprint) == ("running", None, "f2")


def _loaded(source: str = "sales", behind: int = 0) -> MicroBatch:
    batch = {"load_id": "l", "batch": "b", "from_": "", "to": "", "rows": 1, "bytes": 1, "seconds": 0.1}
    return MicroBatch(source=source, behind=behind, tables={}, **batch)


def test_an_idle_source_says_nothing_of_another_ones_backlog(tmp_path: Path) -> None:
    telling = Telling(tmp_path, "sales")
    telling.committed(_loaded("sales", behind=900), None)
    telling.idle("returns")
    assert telling.state.behind == 900
    telling.committed(_loaded("returns", behind=30), None)
    assert telling.state.behind == 930
    telling.committed(_loaded("sales"), None)
    telling.idle("returns")
    assert telling.state.behind == 0


def test_status_says_at_once_that_a_stream_runs_again_and_soon_what_it_loaded_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    telling = Telling(tmp_path, "sales")
    told = tmp_path / "streams" / "sales.json"
    telling.retrying("the server restarts")
    telling.committed(_loaded(), None)
    assert StreamState.model_validate_json(told.read_bytes()).status == "running"
    telling.committed(_loaded(), None)
    telling.idle("sales")
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 1.5)
    telling.idle("sales")
    assert StreamState.model_validate_json(told.read_bytes()).micro_batches == 2
