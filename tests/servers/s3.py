"""A real S3 server process on a free port, and a bucket of its own for each test: versitygw where `make s3` brought
it, which checks signatures, else moto's."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

VERSITYGW = Path(__file__).parents[2] / ".tools" / "versitygw"


@dataclass(frozen=True)
class S3Server:
    """Where it listens. `keys` are what a process needs in its environment."""

    port: int

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def keys(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test-key",
            "AWS_SECRET_ACCESS_KEY": "test-secret",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @cached_property
    def client(self) -> Any:
        import boto3

        return boto3.client(
            "s3", endpoint_url=self.endpoint, aws_access_key_id="test-key", aws_secret_access_key="test-secret",
            region_name="us-east-1",
        )  # fmt: skip

    def bucket(self) -> str:
        """The name of a new bucket."""
        name = f"b{uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=name)
        return name

    def put(self, bucket: str, key: str, body: bytes | str) -> None:
        self.client.put_object(Bucket=bucket, Key=key, Body=body)

    def names(self, bucket: str) -> list[str]:
        found = self.client.list_objects_v2(Bucket=bucket).get("Contents", [])
        return [one["Key"] for one in found]


@contextmanager
def s3_server() -> Iterator[S3Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    folder = tempfile.TemporaryDirectory(prefix="octos3")
    moto = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    versitygw = [str(VERSITYGW), "--port", f"127.0.0.1:{port}", "posix", folder.name]
    process = subprocess.Popen(
        versitygw if VERSITYGW.exists() else moto,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "ROOT_ACCESS_KEY": "test-key", "ROOT_SECRET_KEY": "test-secret"},
    )
    server = S3Server(port)
    try:
        until = time.monotonic() + 60
        while True:
            assert process.poll() is None, "the S3 server ended"
            assert time.monotonic() < until, "the S3 server does not answer"
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield server
        server.client.close()
    finally:
        process.terminate()
        process.wait(30)
        folder.cleanup()


@contextmanager
def breaking(server: S3Server, after: int, port: int = 0) -> Iterator[tuple[str, list[int]]]:
    """An address that leads to the server, and breaks the first long answer off after so many bytes; and how many
    bytes each answer got. On a free port, where none is told."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        given: list[int] = []
        threading.Thread(target=_serve, args=(listening, server.port, after, given), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", given
        listening.shutdown(socket.SHUT_RDWR)


def _serve(listening: socket.socket, port: int, after: int, given: list[int]) -> None:
    with suppress(OSError):
        while True:
            near, _ = listening.accept()
            far = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=_pass, args=(near, far, [], 1 << 62), daemon=True).start()
            threading.Thread(target=_pass, args=(far, near, given, after), daemon=True).start()


def _pass(taken: socket.socket, handed: socket.socket, given: list[int], after: int) -> None:
    """From one to the other until it ends, or `after` bytes where none was broken off before."""
    passed = 0
    with suppress(OSError):
        while chunk := taken.recv(1 << 16):
            handed.sendall(chunk)
            passed += len(chunk)
            if passed > after and not any(one > after for one in given):
                break
    given.append(passed)
    for one in (taken, handed):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
