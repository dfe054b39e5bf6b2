"""A real Apache Kafka broker (KRaft, one node) on free ports of loopback, from the jars that `make kafka` brings."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
JARS: Final = ROOT / ".jars" / "kafka"
USER: Final = "octo"
PASSWORD: Final = "loopback only"
_FAST: Final = ("-Xmx512m", "-Xms256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
_CLUSTER: Final = "b2N0b3BpcGUtYnJva2VyIQ"
"""Any 16 bytes in URL-safe base64."""


def bring_jars() -> Path:
    """The folder of the broker's jars; fetched from Maven Central where they are missing."""
    if not (JARS / ".brought").exists():
        subprocess.run(["make", "--silent", "kafka"], cwd=ROOT, check=True, stdin=subprocess.DEVNULL)
    return JARS


@dataclass
class Broker:
    """One broker; its log and its data are in `folder`. Stopped and started again it keeps its ports and its topics."""

    folder: Path
    port: int = field(default_factory=lambda: free_port())
    sasl_port: int = field(default_factory=lambda: free_port())
    controller_port: int = field(default_factory=lambda: free_port())
    settings: dict[str, str] = field(default_factory=dict)
    """Further lines of server.properties."""
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def sasl_address(self) -> str:
        """The same broker, for those who give USER and PASSWORD (SASL PLAIN)."""
        return f"127.0.0.1:{self.sasl_port}"

    def start(self) -> "Broker":
        """Start it and wait until it answers. Raises RuntimeError with the end of its log."""
        java, jars = shutil.which("java"), bring_jars()
        if java is None:
            raise RuntimeError("a Kafka broker needs Java 17 or later in PATH")
        self.folder.mkdir(parents=True, exist_ok=True)
        properties, log = self.folder / "server.properties", self.folder / "broker.log"
        properties.write_text(self._properties())
        command = [java, *_FAST, "-cp", f"{jars}/*"]
        if not (self.folder / "data" / "meta.properties").exists():
            with log.open("ab") as out:
                subprocess.run(
                    [*command, "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", properties],
                    check=True, stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=120,
                )  # fmt: skip
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [*command, "kafka.Kafka", properties],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                env=os.environ | {"KAFKA_OPTS": ""},
            )  # fmt: skip
        self._await()
        return self

    def stop(self) -> None:
        """End it in an orderly way, by force where that takes too long."""
        if self.process is None:
            return
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.kill()

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self) -> None:
        """Have it answer nobody, as one that is overloaded or cut off; `resume` ends that."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)

    def _await(self) -> None:
        assert self.process is not None
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError(f"the broker did not start:\n{self._log()}")
            if _answers(self.address):
                return
            time.sleep(0.2)
        self.kill()
        raise RuntimeError(f"the broker did not answer within two minutes:\n{self._log()}")

    def _log(self) -> str:
        return (self.folder / "broker.log").read_text(errors="replace")[-3000:]

    def _properties(self) -> str:
        jaas = (
            "org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'username="{USER}" password="{PASSWORD}" user_{USER}="{PASSWORD}";'
        )
        lines = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": (
                f"PLAINTEXT://127.0.0.1:{self.port},SASL_PLAINTEXT://127.0.0.1:{self.sasl_port},"
                f"CONTROLLER://127.0.0.1:{self.controller_port}"
            ),
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": jaas,
            "log.dirs": str(self.folder / "data"),
            "num.partitions": "1",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "1",
            "group.initial.rebalance.delay.ms": "0",
            "log.cleaner.backoff.ms": "200",
            "log.retention.check.interval.ms": "500",
            "log.cleaner.dedupe.buffer.size": "2097152",
            **self.settings,
        }
        return "".join(f"{name}={value}\n" for name, value in lines.items())


def _answers(address: str) -> bool:
    import logging

    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    quiet = logging.getLogger("octopipe.broker")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    host, port = address.split(":")
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=1), suppress(KafkaException):
        AdminClient({"bootstrap.servers": address}, logger=quiet).list_topics(timeout=5)
        return True
    return False


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
