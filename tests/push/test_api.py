"""The API: who is let in, what is refused and how it is told, and what 202 promises."""

import base64
import gzip
import hmac
import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from octo_resources.registry import Registry
from octo_resources.sources.push.queue import QueueReader, queue_path
from tests.push.conftest import SECRET, Feed, order

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def client(feed: Feed) -> Iterator[httpx.Client]:
    with feed.served() as client:
        yield client


def queued(feed: Feed) -> list[dict[str, Any]]:
    """The items in the queue."""
    bodies = (body for _, body in QueueReader(queue_path(feed.root)).after("orders", "orders", 0))
    return [json.loads(line) for body in bodies for line in body.splitlines()]


def test_one_item_a_list_and_lines_are_durable_when_they_are_answered(client: httpx.Client, feed: Feed) -> None:
    one = client.post("/push/orders", json=order(1))
    assert one.status_code == 202
    assert one.headers["location"] == one.json()["status"] == f"/push/orders/{one.json()['batch']}"
    assert client.post("/push/orders", json=[order(2), order(3)]).json()["items"] == 2
    lines = "\n".join(json.dumps(order(number)) for number in (4, 5, 6)).encode()
    ndjson = {"Content-Type": "application/x-ndjson"}
    packed = {**ndjson, "Content-Encoding": "gzip"}
    assert client.post("/push/orders", content=lines, headers=ndjson).json()["items"] == 3
    two_members = gzip.compress(lines + b"\n") + gzip.compress(lines)
    assert client.post("/push/orders", content=two_members, headers=packed).json()["items"] == 6
    assert [item["id"] for item in queued(feed)] == [1, 2, 3, 4, 5, 6, 4, 5, 6, 4, 5, 6]
    status = client.get(one.headers["location"]).json()
    assert (status["state"], status["items"], status["landed"]) == ("accepted", 1, None)
    assert client.get("/push/orders/01M801939XFCK2041F8KN6N346").status_code == 404
    assert client.get("/push/orders/x").status_code == 404


def test_every_answer_has_the_headers_that_keep_it_out_of_pages_and_caches(client: httpx.Client) -> None:
    for answer in (client.post("/push/orders", json=order(1)), client.get("/health"), client.get("/nothing")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


def test_a_key_makes_a_retry_harmless_and_another_body_a_conflict(client: httpx.Client, feed: Feed) -> None:
    key = {"Idempotency-Key": "order-1"}
    first, again = (client.post("/push/orders", json=order(1), headers=key) for _ in range(2))
    assert again.status_code == 202
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    packed = gzip.compress(first.request.content)
    also = client.post("/push/orders", content=packed, headers={**key, **JSON, "Content-Encoding": "gzip"})
    assert also.json()["batch"] == first.json()["batch"]
    other = client.post("/push/orders", json=order(2), headers=key)
    assert other.status_code == 409
    assert other.headers["content-type"] == "application/problem+json"
    assert len(queued(feed)) == 1
    assert client.post("/push/orders", json=order(1), headers={"Idempotency-Key": "k" * 256}).status_code == 400


def test_many_clients_with_one_key_are_one_batch(client: httpx.Client, feed: Feed) -> None:
    answers: list[httpx.Response] = []

    def send() -> None:
        answers.append(client.post("/push/orders", json=order(1), headers={"Idempotency-Key": "same"}))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["batch"] for answer in answers}) == 1
    assert len(queued(feed)) == 1


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b'{"id": 1', JSON, 400),
        (b"[1]", JSON, 422),
        (b"[]", JSON, 422),
        (b"id,customer\n1,A\n", {"Content-Type": "text/csv"}, 415),
        (b"x", {**JSON, "Content-Encoding": "br"}, 415),
        (b"no gzip", {**JSON, "Content-Encoding": "gzip"}, 400),
        (gzip.compress(b'{"id": 1}', mtime=0)[:-4], {**JSON, "Content-Encoding": "gzip"}, 400),
    ],
)
def test_what_is_no_item_is_refused_and_nothing_is_queued(
    client: httpx.Client, feed: Feed, content: bytes, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/push/orders", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert queued(feed) == []


def test_too_much_is_refused_however_it_is_sent(feed: Feed) -> None:
    feed.write(max_bytes="10 kB")
    big = json.dumps([order(number) for number in range(500)]).encode()

    def chunks() -> Iterator[bytes]:
        yield from (big[at : at + 1000] for at in range(0, len(big), 1000))

    bomb = gzip.compress(b" " * 50_000_000 + b"{}")
    assert len(bomb) > 10_000  # long by itself
    small_bomb = gzip.compress(b" " * 5_000_000 + b"{}")
    assert len(small_bomb) < 10_000
    with feed.served() as client:
        assert client.post("/push/orders", content=big, headers=JSON).status_code == 413
        for body in (bomb, small_bomb):
            packed = {**JSON, "Content-Encoding": "gzip"}
            assert client.post("/push/orders", content=body, headers=packed).status_code == 413
        with suppress(httpx.HTTPError):  # the server need not read to the end of what it refused
            assert client.post("/push/orders", content=chunks(), headers=JSON).status_code == 413
        assert client.post("/push/orders", json=order(1)).status_code == 202
    assert len(queued(feed)) == 1


def test_without_the_sources_token_nothing_is_let_in_and_nothing_is_told(client: httpx.Client) -> None:
    client.headers.pop("Authorization")
    refused = [
        client.post("/push/orders", json=order(1)),
        client.post("/push/orders", json=order(1), headers={"Authorization": "Bearer wrong"}),
        client.post("/push/orders", json=order(1), headers={"Authorization": f"Basic {SECRET}"}),
        client.post("/push/none_such", json=order(1), headers={"Authorization": f"Bearer {SECRET}"}),
        client.post("/push/Orders", json=order(1), headers={"Authorization": f"Bearer {SECRET}"}),
        client.post("/push/a%00b", json=order(1), headers={"Authorization": f"Bearer {SECRET}"}),
        client.post("/push/orders?source=none", json=order(1), headers={"Authorization": f"Bearer {SECRET}"}),
        client.get("/push/orders/01M801939XFCK2041F8KN6N346"),
    ]
    assert [answer.status_code for answer in refused] == [401] * 8
    assert len({answer.text for answer in refused}) == 1
    assert {answer.headers["www-authenticate"] for answer in refused} == {'Bearer realm="octopipe"'}


def test_tokens_of_the_registry_are_good_for_their_pipelines_until_they_are_revoked(feed: Feed) -> None:
    feed.write("returns")
    registry = Registry.open("sqlite", feed.root / ".octopipe")
    ours = registry.tokens.create("shop", ["orders"]).text
    theirs = registry.tokens.create("other", ["returns"]).text

    def push(client: httpx.Client, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return client.post("/push/orders", json=order(1), headers=headers).status_code

    with feed.served() as client:
        assert (push(client, ours), push(client, theirs)) == (202, 401)
        registry.tokens.revoke("shop")
        end = time.monotonic() + 20
        while push(client, ours) == 202:  # doors are renewed every two seconds
            assert time.monotonic() < end
            time.sleep(0.1)
        assert push(client, SECRET) == 202
    registry.close()


def test_a_signature_lets_in_by_itself_or_is_asked_for_beside_a_token(feed: Feed) -> None:
    body = json.dumps(order(1)).encode()
    digest = hmac.new(b"signing-key", body, "sha256").digest()
    key = {"kind": "hmac", "key": "signing-key"}
    feed.write(auth=key)
    feed.write("signed", token="${secret:env/ORDERS_TOKEN}", signature={**key, "header": "X-Hub-Signature-256"})
    with feed.served() as client:
        bearer = {"Authorization": client.headers.pop("Authorization"), **JSON}

        def push(pipeline: str, headers: dict[str, str], content: bytes = body) -> int:
            return client.post(f"/push/{pipeline}", content=content, headers={**JSON, **headers}).status_code

        assert push("orders", {"X-Signature": digest.hex()}) == 202
        assert push("orders", {"X-Signature": base64.b64encode(digest).decode()}) == 202
        assert push("orders", {"X-Signature": digest.hex()}, body + b" ") == 401
        assert push("orders", {"X-Signature": "zz"}) == 401
        assert push("orders", {}) == 401
        signed = {"X-Hub-Signature-256": "sha256=" + digest.hex()}
        assert push("signed", {**bearer, **signed}) == 202
        assert push("signed", bearer) == 401
        assert push("signed", signed) == 401


def test_other_ways_to_say_who_one_is(feed: Feed) -> None:
    feed.write("keyed", auth={"kind": "api_key", "key": "${secret:env/ORDERS_TOKEN}"})
    feed.write("basic", auth={"kind": "basic", "username": "ana", "password": "${secret:env/ORDERS_TOKEN}"})
    feed.write("open", auth={"kind": "none"})
    with feed.served() as client:
        client.headers.pop("Authorization")
        assert client.post("/push/keyed", json=order(1), headers={"X-API-Key": SECRET}).status_code == 202
        assert client.post("/push/keyed", json=order(1), headers={"X-API-Key": "wrong"}).status_code == 401
        assert client.post("/push/basic", json=order(1), auth=("ana", SECRET)).status_code == 202
        assert client.post("/push/basic", json=order(1), auth=("bo", SECRET)).status_code == 401
        assert client.post("/push/open", json=order(1)).status_code == 202
        other_site = {"Origin": "https://elsewhere.example"}
        assert client.post("/push/open", json=order(1), headers=other_site).status_code == 403


def test_items_are_held_against_the_sources_schema_and_each_misfit_is_named(feed: Feed) -> None:
    from octo_resources.flow import schemas

    with feed.space() as space:
        feed.samples(*(order(number) for number in range(300)))
        schemas(space, space.pipeline("orders"))
    key = {"Idempotency-Key": "k"}
    with feed.served() as client:
        items = [order(1), order(2, id="two", amount="much"), order(3, unknown=1), order(4, placed="soon")]
        refused = client.post("/push/orders", json=items, headers=key)
        assert refused.status_code == 422
        found = [(one["item"], one["path"]) for one in refused.json()["errors"]]
        assert found == [(2, "id"), (2, "amount"), (4, "placed")]
        assert "two" in refused.json()["errors"][0]["message"]
        assert client.post("/push/orders", json=[order(1), order(3, unknown=1)], headers=key).status_code == 202
        keyless = {name: value for name, value in order(5).items() if name != "id"}
        assert client.post("/push/orders", json=keyless).json()["errors"][0]["path"] == "id"
        long = [order(number, customer="x" * 100) for number in range(299)]
        assert client.post("/push/orders", json=[*long, order(1, id=None), order(1, id="?")]).json()["errors"] == [
            {"item": 300, "path": "id", "message": "the source's key is missing, or null"},
            {"item": 301, "path": "id", "message": "'?' is no int32"},
        ]
    assert len(queued(feed)) == 2


def test_past_its_rate_or_its_backlog_a_source_puts_off(feed: Feed) -> None:
    feed.write(rate="2/min")
    feed.write("full", max_waiting=100)
    with feed.served() as client:
        first, second = (client.post("/push/orders", json=order(1)) for _ in range(2))
        assert (first.status_code, second.status_code) == (202, 429)
        assert int(second.headers["retry-after"]) > 1
        assert client.post("/push/full", json=[order(1), order(2)]).status_code == 202
        full = client.post("/push/full", json=order(3))
        assert full.status_code == 503
        assert int(full.headers["retry-after"]) > 0


def test_a_pipeline_whose_file_is_wrong_is_no_reason_to_lose_what_is_pushed(feed: Feed) -> None:
    (feed.root / "pipelines" / "orders" / "pipeline.yaml").write_text("sources: 7\n")
    with feed.served() as client:
        assert client.post("/push/orders", json=order(1)).status_code == 503
        feed.write()
        assert client.post("/push/orders", json=order(1)).status_code == 202


def test_nothing_of_an_item_nor_a_token_is_in_the_logs(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with feed.served() as client:
        client.post("/push/orders", json=order(1, customer="Ms Unmistakable"))
        client.post("/push/orders", content=b'{"customer": "Ms Unmistakable', headers=JSON)
        client.post(f"/push/orders?token={SECRET}", json=order(1), headers={"Authorization": "Bearer x"})
    said = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("httpx"))
    assert "Unmistakable" not in said
    assert SECRET not in said


def test_metrics_count_what_was_taken_and_what_waits(client: httpx.Client) -> None:
    client.post("/push/orders", json=[order(1), order(2)])
    text = client.get("/metrics").text
    assert 'octopipe_push_items_total{pipeline="orders",source="orders"} 2' in text
    assert client.get("/health").json() == {"status": "ok"}
