"""`push`: one item a request, 16 clients, durable before 202; beside it the disk's fsyncs and a bare HTTP answer."""

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from octo_resources.flow.workspace import open_registry
from octo_resources.project import Project
from octo_resources.sources.push.queue import QueueReader, queue_path

CLIENTS = 16
SECONDS = 5.0
PIPELINE = """\
sources:
  orders: {kind: push, token: "${secret:env/BENCH_PUSH_TOKEN}", max_waiting: 10 GB}
destination: {kind: postgres, url: "postgresql://nobody@127.0.0.1:1/none"}
tables: {public.orders: {key: [id], from: orders}}
"""
BARE = """\
import sys, uvicorn
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})
uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="critical", lifespan="off")
"""


def run(times: int) -> None:
    """Print requests a second, latencies and the server's CPU of each turn, and the medians' ratios."""
    folder = Path(tempfile.mkdtemp(prefix="octopipe-bench-push-"))
    token = "bench-" + os.urandom(16).hex()
    _project(folder, token)
    environment = {**os.environ, "BENCH_PUSH_TOKEN": token, "OCTOPIPE_HOME": str(folder)}
    bare = folder / "bare.py"
    bare.write_text(BARE)
    servers = {"bare HTTP": [str(bare)], "push": ["-m", "octo_api", "--port"]}
    rates: dict[str, list[float]] = {"push": [], "bare HTTP": [], "fsync": [], "fsync of 16": []}
    for turn in range(times):
        rates["fsync"].append(_fsyncs(folder, 300))
        rates["fsync of 16"].append(_fsyncs(folder, 16 * 300) * CLIENTS)
        for name, command in servers.items():
            latencies, seconds, cpu = _measured([sys.executable, *command], environment, token)
            rates[name].append(len(latencies) / seconds)
            p50, p99 = (statistics.quantiles(latencies, n=100)[at] * 1000 for at in (49, 98))
            print(
                f"turn {turn + 1}: {name}: {len(latencies) / seconds:,.0f} requests/s, p50 {p50:.1f} ms, "
                f"p99 {p99:.1f} ms, {cpu / len(latencies) * 1000:.2f} ms CPU of the server a request"
            )
    median = {name: statistics.median(found) for name, found in rates.items()}
    print(
        f"median: push {median['push']:,.0f} requests/s; bare HTTP {median['bare HTTP']:,.0f}; the disk: "
        f"{median['fsync']:,.0f} fsyncs/s, {median['fsync of 16']:,.0f} requests/s where 16 share one"
    )
    waiting = QueueReader(queue_path(folder)).waiting("orders", "orders").items
    print(f"push / bare HTTP: {median['push'] / median['bare HTTP']:.2f}; {waiting:,} items wait in the queue")


def _measured(command: list[str], environment: dict[str, str], token: str) -> tuple[list[float], float, float]:
    """(latencies, seconds, the server's CPU seconds) of one turn against a server of its own."""
    port = _free_port()
    server = subprocess.Popen([*command, str(port)], env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait(port)
        before = _cpu(server.pid)
        latencies, seconds = asyncio.run(_clients(port, token, SECONDS))
        return latencies, seconds, _cpu(server.pid) - before
    finally:
        server.terminate()
        server.wait(30)


def _cpu(pid: int) -> float:
    """CPU seconds that a process took so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _project(folder: Path, token: str) -> None:
    """A project whose schema is known, so that each item is held against it."""
    (folder / "pipelines" / "orders" / "samples").mkdir(parents=True)
    (folder / "pipelines" / "orders" / "pipeline.yaml").write_text(PIPELINE)
    rows = (json.dumps(_item(number)) for number in range(200))
    (folder / "pipelines" / "orders" / "samples" / "orders.jsonl").write_text("\n".join(rows))
    os.environ["BENCH_PUSH_TOKEN"] = token
    from octo_resources.flow import Workspace, schemas

    project = Project.at(folder)
    registry = open_registry(project)
    space = Workspace(project, registry)
    schemas(space, space.pipeline("orders"))
    registry.close()


def _item(number: int) -> dict[str, object]:
    return {
        "id": 1_000_000 + number,
        "customer": f"Customer {number % 1000}",
        "amount": round(1.25 + number % 97, 2),
        "placed": "2026-01-02T10:00:00Z",
        "note": "left at the door, as always" if number % 3 else None,
        "tags": ["new", "web"],
    }


async def _clients(port: int, token: str, seconds: float) -> tuple[list[float], float]:
    """(latencies, seconds) of 16 connections that each send the next request when the last is answered."""
    latencies: list[float] = []
    started = time.perf_counter()
    await asyncio.gather(*(_client(port, token, number, started + seconds, latencies) for number in range(CLIENTS)))
    return latencies, time.perf_counter() - started


async def _client(port: int, token: str, number: int, until: float, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        "POST /push/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: "
    )
    while time.perf_counter() < until:
        body = json.dumps(_item(number)).encode()
        number += CLIENTS
        sent = time.perf_counter()
        writer.write(head.encode() + str(len(body)).encode() + b"\r\n\r\n" + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 202"):
            raise SystemExit(answer.decode())
        length = answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        latencies.append(time.perf_counter() - sent)
    writer.close()


def _fsyncs(folder: Path, size: int) -> float:
    """How often a second this disk makes `size` more bytes of a file durable."""
    path = folder / "fsyncs"
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < 1:
        os.write(handle, b"x" * size)
        os.fdatasync(handle)
        count += 1
    seconds = time.perf_counter() - started
    os.close(handle)
    path.unlink()
    return count / seconds


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the server did not start")
