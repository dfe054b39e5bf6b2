"""`octopipe kafka …`, `source test` and `init` at a real broker; answers keep their schemas."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from octo_cli.main import execute
from octo_cli.schemas import FOLDER
from tests.kafka.topics import Topics

SCHEMAS = Path(__file__).parents[2] / FOLDER


class Terminal:
    """Commands typed in a project folder."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def json(self, words: str) -> Any:
        code, out = self.run(f"{words} --json")
        assert code == 0, out
        document = json.loads(out)
        schema = json.loads((SCHEMAS / f"{'-'.join(words.split()[:2])}.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(document)
        return document

    def run(self, words: str) -> tuple[int, str]:
        code = execute(words.split())
        seen = self._capsys.readouterr()
        return code, seen.out + seen.err


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    monkeypatch.delenv("OCTOPIPE_HOME", raising=False)
    (tmp_path / "octopipe.yaml").write_text("registry: sqlite\n")
    monkeypatch.chdir(tmp_path)
    return Terminal(capsys)


def test_topics_are_added_looked_at_and_measured(terminal: Terminal, topics: Topics, postgres_url: str) -> None:
    topic = topics.make(partitions=2, retention_ms="7200000")
    topics.fill(topic, [("7", '{"id": 7, "amount": 1.10}'), (None, "broken")])
    topics.fill(topic, ['{"id": 8}'], partition=1)
    place = f"kafka://{topics.broker.address}/{topic}"
    assert terminal.run(f"init live --source {place} --destination {postgres_url} --table public.sale")[0] == 0
    mine = next(one for one in terminal.json("kafka topics live")["topics"] if one["read"])
    assert (mine["name"], mine["partitions"], mine["messages"], mine["retention_hours"]) == (topic, 2, 3, 2.0)
    lag = terminal.json("kafka lag live")
    assert (lag["lag"], lag["lost"]) == (3, 0)
    assert [(one["partition"], one["position"], one["high"]) for one in lag["partitions"]] == [
        (0, None, 2),
        (1, None, 1),
    ]
    peeked = terminal.json("kafka peek live --partition 0 --offset 0")
    assert (peeked["records"][0]["amount"], peeked["records"][0]["_key"]) == ("1.10", "7")
    assert peeked["refused"][0]["value"] == "broken"
    assert terminal.json("source test live")["rows"] == 3
    add = f"source add live more --kind kafka --option brokers={topics.broker.address} --option topic={topic}"
    fields = terminal.json(add)["sample"]["fields"]
    assert {one["name"]: one["type"] for one in fields}["_timestamp"] == "timestamptz"
    assert f"{topic} (2)" in terminal.run("doctor")[1]


def test_who_reads_no_topic_is_told_so(terminal: Terminal, tmp_path: Path, postgres_url: str) -> None:
    folder = tmp_path / "pipelines" / "plain"
    folder.mkdir(parents=True)
    (folder / "pipeline.yaml").write_text(
        f"sources: {{a: {{kind: file, path: a.csv}}}}\ndestination: {{kind: postgres, url: '{postgres_url}'}}\n"
        "tables: {public.a: {}}\n"
    )
    code, said = terminal.run("kafka lag plain")
    assert code == 2
    assert "plain reads nothing from Kafka" in said


def test_settings_that_the_client_does_not_take_are_mistakes_of_the_file(terminal: Terminal) -> None:
    settings = {
        "nonsense": 1, "fetch.min.bytes": "many", "isolation.level": "read_uncommitted", "client.rack": "eu-1",
        "security.protocol": "SASL_SSL", "fetch.max.bytes": "1000", "sasl.username": "${secret:env/NOBODY}",
        "session.timeout.ms": "${secret:env/NOBODY}",
    }  # fmt: skip
    source = {"kind": "kafka", "brokers": "nowhere.example:9092", "topic": "t", "settings": settings}
    file = Path("pipelines/live/pipeline.json")
    file.parent.mkdir(parents=True)
    destination = {"kind": "postgres", "url": "postgresql://h/d"}
    said = {"sources": {"s": source}, "destination": destination, "tables": {"public.sale": {}}}
    file.write_text(json.dumps(said, indent=1))
    code, out = terminal.run("check live")
    assert code == 2
    for told in (
        "nonsense is not taken by the Kafka client: No such",
        "fetch.min.bytes is not taken",
        "isolation.level is not for a pipeline",
    ):
        assert told in out
    assert "3 mistakes" in out, out


def test_settings_of_what_is_pushed_and_announced_are_looked_at_as_those_of_sources(terminal: Terminal) -> None:
    unfit = {"nonsense": 1, "linger.ms": "soon", "max.in.flight": 100, "acks": 0, "stats_cb": "x", "client.rack": "eu"}
    topic = {"brokers": "nowhere.example:9092", "settings": unfit}
    source = {"kind": "push", "to": {"topic": "t", **topic}}
    file = Path("pipelines/live/pipeline.json")
    file.parent.mkdir(parents=True)
    destination = {"kind": "postgres", "url": "postgresql://h/d"}
    said = {"sources": {"s": source}, "destination": destination, "tables": {"public.sale": {}}}
    file.write_text(json.dumps(said | {"transport": {"kafka": "b", **topic}}, indent=1))
    code, out = terminal.run("check live --json")
    assert code == 2
    found = [one["message"] for one in json.loads(out[: out.rindex("\n}") + 2])["mistakes"]]
    named = sorted(message.split()[1] for message in found)
    assert named == sorted(2 * [name for name in unfit if name != "client.rack"]), found
