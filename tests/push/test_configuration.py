"""What the pipeline file says of a pushed source, the commands around it, and the OpenAPI document."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from octo_api.openapi import PATH, document, text_of
from octo_cli.main import execute
from octo_core.errors import SpecError, UsageError
from octo_core.spec.sources import PushSource
from octo_resources.registry import Registry
from tests.push.conftest import Feed, order


def mistakes(feed: Feed) -> list[str]:
    with pytest.raises(SpecError) as wrong:
        feed.project.pipeline("orders")
    return [one.message for one in wrong.value.mistakes]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"landing": "off"}, "lands as a copy"),
        ({"auth": {"kind": "bearer", "token": "x"}, "token": "y"}, "not both"),
        ({"auth": {"kind": "oauth2", "token_url": "u", "client_id": "i", "client_secret": "s"}}, "oauth2"),
        ({"batch": {"rows": 0}}, "rows"),
        ({"rate": "often"}, "rate"),
        ({"max_bites": 7}, "max_bytes"),
    ],
)
def test_mistakes_are_told(feed: Feed, source: dict[str, object], said: str) -> None:
    feed.write(**source)
    assert any(said in one for one in mistakes(feed))


def test_what_is_pushed_is_no_whole_source(feed: Feed) -> None:
    path = feed.root / "pipelines" / "orders" / "pipeline.yaml"
    text = path.read_text()
    path.write_text(text.replace("write: merge", "write: replace"))
    assert "write: 'replace' needs the whole source, and what is pushed to 'orders' is only what is new" in mistakes(
        feed
    )


def test_a_topic_without_brokers_has_those_of_the_pipelines_kafka_source(feed: Feed) -> None:
    feed.write(to="orders.pushed")
    assert any("'brokers' is missing" in one for one in mistakes(feed))
    path = feed.root / "pipelines" / "orders" / "pipeline.yaml"
    kafka = "sources:\n  live: {kind: kafka, brokers: 'k1:9092', topic: orders.live, security: {username: u}}\n"
    path.write_text(path.read_text().replace("sources:\n", kafka).replace("write: merge", "from: orders"))
    source = feed.project.pipeline("orders").spec.sources["orders"]
    assert isinstance(source, PushSource)
    assert source.to is not None
    assert (source.to.topic, source.to.brokers) == ("orders.pushed", ("k1:9092",))
    assert source.to.security is not None


def test_tokens_are_kept_as_hashes_rotated_with_grace_and_revoked(tmp_path: Path) -> None:
    registry = Registry.open("sqlite", tmp_path)
    now = datetime(2026, 5, 1, tzinfo=UTC)
    first = registry.tokens.create("shop", ["orders"], lasts=timedelta(days=90), at=now)
    with pytest.raises(UsageError, match="already"):
        registry.tokens.create("shop", at=now)
    second = registry.tokens.rotate("shop", grace=timedelta(days=1), at=now)
    assert second.token.expires_at == now + timedelta(days=90)
    assert len(registry.tokens.hashes("orders", now)) == 2
    assert registry.tokens.hashes("returns", now) == frozenset()
    assert len(registry.tokens.hashes("orders", now + timedelta(days=2))) == 1
    assert len(registry.tokens.revoke("shop", at=now)) == 2
    assert registry.tokens.hashes("orders", now) == frozenset()
    with pytest.raises(UsageError, match="no token 'shop'"):
        registry.tokens.rotate("shop", at=now)
    registry.close()
    kept = (tmp_path / "registry.db").read_bytes()
    for made in (first, second):
        assert made.text.encode() not in kept
        assert made.text.rpartition("_")[2].encode() not in kept


def test_the_commands_make_a_pushed_pipeline_and_its_tokens(
    feed: Feed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(feed.root)

    def said(*words: str) -> str:
        assert execute(list(words)) == 0
        return capsys.readouterr().out

    said("init", "visits", "--kind", "push", "--destination", feed.url, "--table", "public.visit")
    assert "kind: push" in (feed.root / "pipelines" / "visits" / "pipeline.yaml").read_text()
    added = json.loads(said("source", "add", "visits", "clicks", "--kind", "push", "--option", "key=id", "--json"))
    assert added["sample"] is None
    assert "POST /push/visits" in added["notes"][-1]
    said("check")
    made = json.loads(said("token", "create", "shop", "--pipeline", "visits", "--for", "30d", "--json"))
    assert made["token"].startswith("octo_")
    assert made["about"]["pipelines"] == ["visits"]
    assert made["token"] not in said("token", "list")
    rotated = said("token", "rotate", "shop").strip()
    assert rotated.startswith("octo_")
    assert rotated != made["token"]
    said("token", "revoke", "shop")
    assert json.loads(said("token", "list", "--json")) == {"tokens": []}
    states = [one["state"] for one in json.loads(said("token", "list", "--all", "--json"))["tokens"]]
    assert sorted(states) == ["expired", "revoked"]
    assert execute(["token", "create", "x", "--pipeline", "visit"]) == 2
    feed.samples(order(1), order(2))
    assert json.loads(said("source", "sample", "orders", "--json"))["rows"] == 2


def test_the_openapi_document_is_the_one_that_is_committed() -> None:
    assert PATH.read_text() == text_of(document()), "make docs"


def test_the_openapi_document_says_what_a_client_has_to_know() -> None:
    push = document()["paths"]["/push/{pipeline}"]["post"]
    assert {parameter["name"] for parameter in push["parameters"]} == {"pipeline", "source", "Idempotency-Key"}
    assert set(push["requestBody"]["content"]) == {"application/json", "application/x-ndjson"}
    assert {"202", "400", "401", "409", "413", "415", "422", "429", "503"} <= set(push["responses"])
    assert document()["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}
