"""What Spark says where it cannot be started or reached, in plain words, with what to do."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from octo_core.errors import EngineError, OctopipeError

JAVA: Final = (17, 21)
"""Java's versions that Spark 4.2 runs on."""
_RAISED: Final = re.compile(r"\[[A-Z_.]+\] |[\w.$]*(?:Error|Exception)(?:: (?!An error has occurred)|$)")
"""A line that says what was raised, in Python or Java, and more than that something was."""
_SECONDS: Final = 5.0
_PORTS: Final = {"sc": 15002, "spark": 7077, "k8s": 443}
"""Where each kind of address is listened at if it does not say."""
_VERSION: Final = re.compile(r'version "(\d+)')


def java() -> tuple[str | None, str]:
    """(path of java, its first line or why there is none)."""
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if found is None or not Path(found).exists():
        return None, f"JAVA_HOME is {home}, and no java is there" if home else "not installed"
    try:
        said = subprocess.run([found, "-version"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603  found above
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"{found} does not start: {type(error).__name__}"
    lines = (said.stderr or said.stdout).strip().splitlines()
    return found, next((line for line in lines if "version" in line), lines[0] if lines else found)


def java_fits(line: str) -> bool:
    """Whether Spark runs on the Java that says this of itself."""
    match = _VERSION.search(line)
    return match is not None and JAVA[0] <= int(match[1]) <= JAVA[1]


def require_java(place: str) -> None:
    """Raises EngineError where there is no Java that Spark runs on."""
    found, line = java()
    hint = f"install Java {JAVA[0]} or {JAVA[1]}, or set JAVA_HOME to one; Spark Connect (remote:) needs none here"
    if found is None:
        raise EngineError(f"Spark needs Java: {line}", where=place, hint=hint)
    if not java_fits(line):
        raise EngineError(f"Spark does not run on this Java: {line}", where=place, hint=hint)


def require_own_spark(version: str, place: str) -> None:
    """Raises EngineError where SPARK_HOME leads to no Spark, or to another version's than PySpark's."""
    home = os.environ.get("SPARK_HOME")
    if not home or any(Path(home, "jars").glob(f"spark-core_*-{version}*.jar")):
        return
    there = "another version" if any(Path(home, "jars").glob("spark-core_*.jar")) else "none"
    hint = "unset it: pyspark brings its own Spark; or set it to one of that version"
    raise EngineError(f"SPARK_HOME is {home}, and Spark {version} is wanted; {there} is there", where=place, hint=hint)


_NO_S3A: Final = (
    "it has no s3a, and `octopipe.spark.s3a` in engine.conf asks for it",
    "`true` brings its jars; a Spark Connect server has to be started with them, see docs/spark.md",
)
_OVERHEAD: Final = "raise spark.executor.memoryOverhead in engine.conf: Python's processes beside Java count too"
_SIGNS: Final = (
    ("UNAVAILABLE", "its Spark Connect server does not answer", "is it running? look at engine.remote"),
    ("failed to connect to all addresses", "its Spark Connect server does not answer", "is it running?"),
    ("All masters are unresponsive", "its master does not answer", "is it running? look at engine.master"),
    ("Could not parse Master URL", "Spark does not know this kind of master", "local[N], spark://…, yarn or k8s://…"),
    ("Python in worker has different version", "its executors run another Python than this process",
     "set spark.pyspark.python in engine.conf to the same version, on every executor"),
    ("PYTHON_VERSION_MISMATCH", "its executors run another Python than this process",
     "set spark.pyspark.python in engine.conf to the same version, on every executor"),
    ("No module named 'octo_", "its executors have no Octopipe",
     "install this version of octopipe[spark] where spark.pyspark.python of the executors is"),
    ("No module named", "its executors lack a Python package",
     "install this version of octopipe[spark] where spark.pyspark.python of the executors is"),
    ("Cannot run program", "its executors have no such Python",
     "look at spark.pyspark.python in engine.conf: it is a path on every executor"),
    ("JAVA_GATEWAY_EXITED", "Java ended before Spark was up",
     "what it said of that is on standard error; look at JAVA_HOME, engine.memory, packages and conf"),
    ("S3AFileSystem not found", *_NO_S3A),
    ("S3AUtils not found", *_NO_S3A),
    ("Unable to load credentials", "its executors have no credentials for S3",
     "they come from the usual chain: a role, or `spark.executorEnv.AWS_ACCESS_KEY_ID` and the like in engine.conf"),
    ("physical memory limits", "YARN ended executors that took more memory than they had asked for", _OVERHEAD),
    ("OOMKilled", "Kubernetes ended executors that took more memory than they had asked for", _OVERHEAD),
    ("unresolved dependency", "a jar of engine.packages cannot be found", "look at its coordinates"),
    ("Cannot start a remote Spark session", "a local Spark session is open in this process", "use one kind a process"),
)  # fmt: skip


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn what Spark and py4j raise into EngineErrors; ours go through."""
    try:
        yield
    except OctopipeError:
        raise
    except Exception as error:
        if not _sparks(error):
            raise
        raise engine_error(place, str(error)) from error


def _sparks(error: Exception) -> bool:
    kinds = [kind.__module__ for kind in type(error).__mro__]
    return any(kind.startswith(("pyspark", "py4j", "grpc")) for kind in kinds) or isinstance(error, ConnectionError)


def engine_error(place: str, text: str) -> EngineError:
    """What Spark said, as a user reads it."""
    for sign, said, hint in _SIGNS:
        if sign in text:
            name = re.search(r"No module named '([^']+)'", text) if "package" in said else None
            return EngineError(f"{said}: {name[1]}" if name else said, where=place, hint=hint)
    lines = [line.strip() for line in text.strip().splitlines() if line.strip() and not line.strip().startswith("at ")]
    causes = [line.removeprefix("Caused by: ").removeprefix(": ") for line in lines]  # as Java writes them
    told = [line for line in causes if _RAISED.match(line)]
    return EngineError(f"Spark failed: {(told or lines or ['no reason given'])[0][:500]}", where=place, retryable=True)


def require_answer(address: str) -> None:
    """Raises EngineError where nothing listens at a master or a Spark Connect server: Spark itself would try for
    minutes before it says so, and the load's tables are locked all that time."""
    kind = address.partition("://")[0]
    if kind not in _PORTS:
        return
    remote = kind == "sc"
    reason = "no address"
    plain = address.partition("://")[2].removeprefix("https://").removeprefix("http://")
    for place in plain.partition("/")[0].partition(";")[0].split(","):
        try:
            parts = urlsplit(f"//{place}")
            port = parts.port or (80 if "://http://" in address else _PORTS[kind])
            socket.create_connection((parts.hostname or "localhost", port), timeout=_SECONDS).close()
            return
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
    hint = f"is it running? look at {'engine.remote' if remote else 'engine.master'}'s host and port, and at firewalls"
    raise EngineError(f"nothing answers there ({reason})", where=address.partition(";")[0], hint=hint)
