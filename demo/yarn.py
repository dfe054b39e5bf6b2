"""A real Hadoop YARN (a ResourceManager, a NodeManager) on free ports of loopback, from the jars of `make yarn`.

There is no HDFS: what it hands from one process to another lies in a folder here.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import httpx
import pyspark

from demo.broker import ROOT, free_port

JARS: Final = ROOT / ".jars" / "yarn"
_LOG: Final = """log4j.rootLogger=INFO,out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %c: %m%n
"""
_FAST: Final = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
_MANAGERS: Final = {
    "resourcemanager": "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager",
    "nodemanager": "org.apache.hadoop.yarn.server.nodemanager.NodeManager",
}
_WAIT: Final = 120.0


@dataclass(frozen=True)
class Yarn:
    """A running YARN. `conf`: what HADOOP_CONF_DIR is to be; `web`: the ResourceManager's REST API."""

    conf: Path
    web: str
    manager: int
    """The NodeManager's process id."""
    settings: Mapping[str, str]
    """Spark's settings here: nothing is copied to the containers that is on this disk already."""

    def applications(self) -> list[dict[str, object]]:
        """What the ResourceManager knows of every application, the newest last."""
        found = httpx.get(f"{self.web}/ws/v1/cluster/apps", timeout=10).raise_for_status().json()["apps"]
        return sorted(found["app"], key=lambda one: str(one["id"])) if found else []

    def executors(self) -> list[int]:
        """Process ids of the executors that live."""
        return [one for one in _below(self.manager) if b"YarnCoarseGrainedExecutorBackend" in _command(one)]


def _below(parent: int) -> list[int]:
    """A process's children and their children."""
    try:
        threads = list(Path(f"/proc/{parent}/task").iterdir())
        near = [int(one) for thread in threads for one in (thread / "children").read_text().split()]
    except FileNotFoundError:
        return []
    return [one for child in near for one in (child, *_below(child))]


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


@contextmanager
def yarn(folder: Path, *, cores: int = 4, memory: int = 4096) -> Iterator[Yarn]:
    """A ResourceManager and a NodeManager that lends `cores` and `memory` (MB); with all that they started, ended."""
    conf, web = _configured(folder, cores, memory)
    settings = {
        "spark.yarn.jars": f"local:{Path(pyspark.__file__).parent}/jars/*",
        "spark.yarn.stagingDir": f"file://{folder}/staging",
    }
    with _manager("resourcemanager", conf, folder) as master, _manager("nodemanager", conf, folder) as node:
        _await(web, folder, {"resourcemanager": master, "nodemanager": node})
        yield Yarn(conf, web, node.pid, settings)


def _configured(folder: Path, cores: int, memory: int) -> tuple[Path, str]:
    """The folder of the configuration, which it writes, and the address of the ResourceManager's pages."""
    conf = folder / "conf"
    conf.mkdir(parents=True)
    rpc = {name: f"127.0.0.1:{free_port()}" for name in ("", "scheduler.", "resource-tracker.", "admin.", "webapp.")}
    _site(conf / "core-site.xml", {"fs.defaultFS": "file:///", "hadoop.tmp.dir": str(folder / "tmp")})
    _site(
        conf / "yarn-site.xml",
        {f"yarn.resourcemanager.{name}address": place for name, place in rpc.items()}
        | {
            "yarn.resourcemanager.hostname": "127.0.0.1",
            "yarn.scheduler.minimum-allocation-mb": "64",
            "yarn.nodemanager.hostname": "127.0.0.1",
            "yarn.nodemanager.address": "127.0.0.1:0",
            "yarn.nodemanager.localizer.address": "127.0.0.1:0",
            "yarn.nodemanager.webapp.address": "127.0.0.1:0",
            "yarn.nodemanager.resource.memory-mb": str(memory),
            "yarn.nodemanager.resource.cpu-vcores": str(cores),
            "yarn.nodemanager.vmem-check-enabled": "false",
            "yarn.nodemanager.process-kill-wait.ms": "500",
            "yarn.nodemanager.local-dirs": str(folder / "local"),
            "yarn.nodemanager.log-dirs": str(folder / "logs"),
            "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": "100",
        },
    )
    _site(
        conf / "capacity-scheduler.xml",
        {
            "yarn.scheduler.capacity.root.queues": "default",
            "yarn.scheduler.capacity.root.default.capacity": "100",
            "yarn.scheduler.capacity.maximum-am-resource-percent": "1.0",
        },
    )
    (conf / "log4j.properties").write_text(_LOG)
    return conf, f"http://{rpc['webapp.']}"


def _site(path: Path, settings: Mapping[str, str]) -> None:
    """A file as Hadoop reads them."""
    lines = (
        f"  <property><name>{name}</name><value>{escape(value)}</value></property>\n"
        for name, value in settings.items()
    )
    path.write_text(f"<configuration>\n{''.join(lines)}</configuration>\n")


@contextmanager
def _manager(name: str, conf: Path, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    java = shutil.which("java")
    if java is None:
        raise RuntimeError("YARN needs Java 17 or later in PATH")
    words = [java, *_FAST, "-cp", f"{conf}:{JARS}/*", _MANAGERS[name]]
    with (folder / f"{name}.log").open("wb") as out:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            env=os.environ | {"HADOOP_CONF_DIR": str(conf)},
        )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


def _await(web: str, folder: Path, processes: Mapping[str, "subprocess.Popen[bytes]"]) -> None:
    """Until the ResourceManager has a node."""
    until = time.monotonic() + _WAIT
    while time.monotonic() < until:
        for name, process in processes.items():
            if process.poll() is not None:
                log = (folder / f"{name}.log").read_text(errors="replace")
                raise RuntimeError(f"YARN's {name} did not start:\n{log[-3000:]}")
        with suppress(httpx.HTTPError, ValueError):
            if httpx.get(f"{web}/ws/v1/cluster/metrics", timeout=5).json()["clusterMetrics"]["activeNodes"]:
                return
        time.sleep(0.2)
    raise RuntimeError(f"YARN has no node after two minutes; its logs are in {folder}")
