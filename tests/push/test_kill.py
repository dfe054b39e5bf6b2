"""The server killed by SIGKILL, again and again, while clients push and retry: nothing lost, nothing doubled."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import httpx
import pytest

from demo.broker import Broker
from octo_resources.flow import land
from octo_resources.landing.ulid import new_ulid
from octo_resources.sources.file.content import open_plain
from octo_resources.sources.push.queue import QueueReader, queue_path
from tests.push.conftest import SECRET, Feed, order

CLIENTS, EACH, KILLS = 6, 40, 2


class Server:
    """`python -m octo_api` on one port, begun anew as often as it is killed."""

    def __init__(self, root: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.environment = {**os.environ, "OCTOPIPE_HOME": str(root), "ORDERS_TOKEN": SECRET}
        self.begin()

    def begin(self) -> None:
        command = [sys.executable, "-m", "octo_api", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, env=self.environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        transport = httpx.HTTPTransport(retries=8)  # with a pause that doubles from half a second
        with httpx.Client(transport=transport) as client:
            client.get(f"http://127.0.0.1:{self.port}/health")

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.wait(30)


def client(port: int, which: int, acknowledged: dict[str, str], taken: threading.Semaphore) -> None:
    """Pushes items one by one, each with a key of its own, until each is acknowledged."""
    transport = httpx.HTTPTransport(retries=8)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=transport, timeout=20) as http:
        for number in range(which * EACH, (which + 1) * EACH):
            headers = {"Authorization": f"Bearer {SECRET}", "Idempotency-Key": f"order-{number}"}
            while True:
                try:
                    answer = http.post("/push/orders", json=order(number), headers=headers)
                except httpx.HTTPError:
                    continue  # killed before it answered: whether it took the item, the key finds out
                if answer.status_code == 503:
                    continue  # the topic is still the dead server's for a moment
                assert answer.status_code == 202, answer.text
                acknowledged[f"order-{number}"] = answer.json()["batch"]
                taken.release()
                break


@pytest.mark.parametrize("to_a_topic", [False, pytest.param(True, marks=pytest.mark.thorough)], ids=["queue", "topic"])
def test_what_was_acknowledged_is_there_once_after_every_kill(
    feed: Feed, to_a_topic: bool, request: pytest.FixtureRequest
) -> None:
    if to_a_topic:
        broker: Broker = request.getfixturevalue("broker")
        feed.write(to={"topic": f"killed-{new_ulid().lower()}", "brokers": broker.address})
    server = Server(feed.root)
    acknowledged: dict[str, str] = {}
    taken = threading.Semaphore(0)
    threads = [
        threading.Thread(target=client, args=(server.port, which, acknowledged, taken)) for which in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    chance = random.Random(5)
    for _ in range(KILLS):
        for _ in range(chance.randint(30, 80)):
            assert taken.acquire(timeout=60)
        server.end(signal.SIGKILL)
        before, reader = dict(acknowledged), QueueReader(queue_path(feed.root))
        there = {key: found.id for key in before if (found := reader.by_key("orders", "orders", key)) is not None}
        assert there == before
        server.begin()
    for thread in threads:
        thread.join(120)
    server.end(signal.SIGTERM)
    assert len(acknowledged) == CLIENTS * EACH
    with feed.space() as space:
        batch = land(space, space.pipeline("orders"))["orders"].batch
        assert batch is not None
        path = space.landing.open_file(batch, batch.files[0])
    with open_plain(path, batch.files[0].compression) as plain:
        ids = Counter(json.loads(line)["id"] for line in plain)
    assert ids == Counter(range(CLIENTS * EACH))
