"""A stream on Structured Streaming: micro-batches that Spark offers, loaded once whatever dies and whatever repeats."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.broker import Broker
from octo_core.errors import SpecError
from octo_resources.engines.spark import SparkEngine
from tests.spark.test_loads import LOCAL
from tests.streaming.project import Stream, sale, streaming

ROOT = Path(__file__).parents[2]


@pytest.fixture
def stream(tmp_path: Path, postgres_url: str, broker: Broker) -> Iterator[Stream]:
    with streaming(tmp_path / "project", postgres_url, broker, partitions=2) as made:
        made.write(engine=LOCAL, stream={"trigger": "continuous", "max_rows": 20})
        yield made


def checkpoint(stream: Stream) -> Path:
    return stream.root / ".octopipe" / "landing" / "sales" / "sales" / ".checkpoint"


def killed_after_its_commit(stream: Stream) -> None:
    """Stream in a process of its own that is killed when a load is in the table and Spark was not told."""
    own = {"OCTOPIPE_HOME": str(stream.root), "OCTOPIPE_EMBEDDING": "off", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmarks.killed", "sales", "continuous", "after_commit", "killed"]
    done = subprocess.run(
        [*command, str(stream.root / "after_commit")],
        env=os.environ | own, cwd=stream.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_what_spark_offers_is_loaded_once(stream: Stream, spark: SparkEngine) -> None:
    stream.send(*(sale(number) for number in range(1, 31)))
    stream.approve()
    stream.topics.fill(stream.topic, (sale(number) for number in range(31, 51)), partition=1)
    stream.topics.fill(stream.topic, [("60", '{"id": 60, "amo'), ("7", None)])
    state = stream.follow()
    assert (state.status, state.rows) == ("stopped", 52)
    assert state.micro_batches > 1
    assert max(one.rows for one in stream.told) <= 20
    assert all(one.delay is not None for one in stream.told)
    assert stream.sql("SELECT count(*), count(gone) FROM sale") == [(50, 1)]
    assert stream.sql("SELECT sum(read)::int, sum(quarantined)::int FROM _octopipe.ledger") == [(52, 1)]
    assert stream.follow().micro_batches == 0

    # Spark's word that the newest micro-batch was taken is lost: it is offered again, and known by the position.
    stream.send(sale(70))
    newest = max(int(one.name) for one in (checkpoint(stream) / "commits").iterdir() if one.name.isdigit())
    (checkpoint(stream) / "commits" / str(newest)).unlink()
    assert stream.follow().rows == 1
    assert stream.sql("SELECT count(*) FROM sale") == [(51,)]

    # So is all of its checkpoint.
    for path in sorted(checkpoint(stream).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    stream.send(sale(71))
    assert stream.follow().rows == 1
    assert stream.sql("SELECT count(*) FROM sale") == [(52,)]


@pytest.mark.thorough  # tests/streaming/test_stream.py kills the same stream without Spark, at every point
def test_killed_it_loses_and_doubles_nothing(stream: Stream) -> None:
    stream.send(*(sale(number) for number in range(1, 31)))
    stream.approve()
    killed_after_its_commit(stream)
    stream.send(sale(31), ("5", None))
    stream.follow()
    assert stream.sql("SELECT count(*), count(DISTINCT id), count(gone) FROM sale") == [(31, 31, 1)]
    assert stream.sql("SELECT sum(read)::int FROM _octopipe.ledger") == [(32,)]


def test_by_connect_or_of_what_is_pushed_it_is_refused(stream: Stream) -> None:
    stream.write(engine={"kind": "spark", "remote": "sc://gateway.example"})
    with pytest.raises(SpecError, match="needs Spark's driver in its own process"):
        stream.space.pipeline("sales")
