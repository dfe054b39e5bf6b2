"""A real Spark of the pip package on loopback: a standalone master with two workers, and a Spark Connect server."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyspark

_HOME = Path(pyspark.__file__).parent
_WAIT = 120.0


@dataclass(frozen=True)
class Cluster:
    """A running cluster. `workers`: their process ids."""

    master: str
    workers: tuple[int, ...]

    def executors(self) -> list[int]:
        """Process ids of the executors that live, of all workers."""
        return [one for worker in self.workers for one in _children(worker) if _is_executor(one)]


def _children(parent: int) -> list[int]:
    """A process's children, whichever of its threads started them."""
    try:
        threads = list(Path(f"/proc/{parent}/task").iterdir())
        return [int(one) for thread in threads for one in (thread / "children").read_text().split()]
    except FileNotFoundError:
        return []


def _is_executor(process: int) -> bool:
    try:
        return b"CoarseGrainedExecutorBackend" in Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(words: Sequence[str], folder: Path, log: str, memory: str = "384m") -> Iterator["subprocess.Popen[bytes]"]:
    """A command of the pip package in the background; ended by its process group, with all that it started."""
    environment = {
        **os.environ,
        "SPARK_HOME": str(_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": memory,
        "SPARK_WORKER_DIR": str(folder / "work"),
        "PYSPARK_PYTHON": sys.executable,
    }
    with (folder / log).open("wb") as out:
        process = subprocess.Popen(
            list(words), env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(text: str, log: Path, process: "subprocess.Popen[bytes]", times: int = 1) -> None:
    """Until the log says it so often."""
    until = time.monotonic() + _WAIT
    while log.read_text(errors="replace").count(text) < times:
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{text!r} is not in {log}:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


@contextmanager
def standalone(folder: Path, *, cores: int = 1, memory: str = "1g") -> Iterator[Cluster]:
    """A master and two workers, on hosts of their own: a copy of a task never runs where it does.

    `cores` and `memory` are what each worker lends.
    """
    port, spark_class = free_port(), str(_HOME / "bin" / "spark-class")
    place = ["--host", "127.0.0.1", "--webui-port", "0"]
    master_words = [spark_class, "org.apache.spark.deploy.master.Master", *place, "--port", str(port)]
    master = f"spark://127.0.0.1:{port}"
    lent = ["--cores", str(cores), "--memory", memory]
    worker_words = [spark_class, "org.apache.spark.deploy.worker.Worker", *place, *lent]
    elsewhere = [word if word != "127.0.0.1" else "127.0.0.2" for word in worker_words]
    with running(master_words, folder, "master.log") as process:
        wait_for("I have been elected leader", folder / "master.log", process)
        with (
            running([*worker_words, master], folder, "worker1.log") as one,
            running([*elsewhere, master], folder, "worker2.log") as two,
        ):
            wait_for("Registering worker", folder / "master.log", process, times=2)
            yield Cluster(master, (one.pid, two.pid))


@contextmanager
def connect_server(folder: Path) -> Iterator[str]:
    """A Spark Connect server with a session of its own on two cores; gives its address."""
    port = free_port()
    words = [
        str(_HOME / "bin" / "spark-submit"), "--master", "local[2,4]",
        "--class", "org.apache.spark.sql.connect.service.SparkConnectServer",
        "--conf", "spark.connect.grpc.binding.address=127.0.0.1", "--conf", f"spark.connect.grpc.binding.port={port}",
        "--conf", "spark.driver.extraJavaOptions=-Xss4m",
        "--conf", "spark.ui.enabled=false", "--conf", "spark.driver.bindAddress=127.0.0.1",
        "spark-internal",
    ]  # fmt: skip
    with running(words, folder, "connect.log", "768m") as process:
        wait_for("Spark Connect server started", folder / "connect.log", process)
        yield f"sc://127.0.0.1:{port}"
