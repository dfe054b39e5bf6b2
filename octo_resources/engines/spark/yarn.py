"""What Hadoop's configuration says of a YARN, whether its ResourceManager answers, and the end of what it was asked.

Hadoop's own client tries for a quarter of an hour before it says that nobody answers.
"""

import os
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from xml.etree import ElementInclude, ElementTree

from octo_core.errors import EngineError

_FOLDERS: Final = ("HADOOP_CONF_DIR", "YARN_CONF_DIR")
"""Where Spark looks for it, in this order."""
_FILES: Final = ("core-site.xml", "yarn-site.xml")
_MANAGER: Final = "yarn.resourcemanager"
_PORT: Final = 8032
_SECONDS: Final = 5.0
_NAMED: Final = re.compile(r"\$\{([^}$]+)\}")
_OURS: Final = "spark.hadoop."
"""How settings begin that Spark lays over Hadoop's."""


def require_manager(conf: Mapping[str, str]) -> None:
    """Raises EngineError where nobody says where YARN is, or its ResourceManager does not answer. `conf`: Spark's."""
    said = [(name, Path(os.environ[name])) for name in _FOLDERS if os.environ.get(name)]
    hint = "set HADOOP_CONF_DIR or YARN_CONF_DIR to the folder of the cluster's configuration, where loads run"
    if not said:
        raise EngineError("YARN's configuration is not there", where="yarn", hint=hint)
    if not any((folder / "yarn-site.xml").is_file() for _, folder in said):
        shown = ", ".join(f"{name} is {folder}" for name, folder in said)
        raise EngineError(
            f"YARN's configuration is not there: {shown}, without a yarn-site.xml", where="yarn", hint=hint
        )
    places = managers(settings([folder for _, folder in said], conf))
    reasons = []
    for host, port in places:
        try:
            socket.create_connection((host, port), timeout=_SECONDS).close()
            return
        except (OSError, ValueError, OverflowError) as error:
            reasons.append(f"{host}:{port}: {getattr(error, 'strerror', None) or type(error).__name__}")
    if reasons:
        raise EngineError(
            f"YARN's ResourceManager does not answer ({'; '.join(reasons)})", where="yarn",
            hint=f"is it running? look at {_MANAGER}.address in {said[0][1] / 'yarn-site.xml'}, and at firewalls",
        )  # fmt: skip


def end(tag: str) -> None:
    """Have the ResourceManager end the applications of this tag that still go on. Py4JError where it cannot."""
    from pyspark import SparkContext

    jvm = SparkContext._jvm
    if jvm is None:  # Java itself is being started
        return
    yarn = jvm.org.apache.hadoop.yarn
    hadoop = jvm.org.apache.spark.deploy.SparkHadoopUtil.get().newConfiguration(jvm.org.apache.spark.SparkConf())
    client = yarn.client.api.YarnClient.createYarnClient()
    client.init(yarn.conf.YarnConfiguration(hadoop))
    client.start()
    try:
        kind = yarn.api.records.YarnApplicationState
        states = jvm.java.util.EnumSet.range(kind.NEW, kind.ACCEPTED)
        states.add(kind.RUNNING)
        tags = jvm.java.util.HashSet()
        tags.add(tag)
        for one in client.getApplications(None, states, tags):
            client.killApplication(one.getApplicationId())
    finally:
        client.stop()


def settings(folders: list[Path], conf: Mapping[str, str]) -> dict[str, str]:
    """What the files of the folders say, the first folder above the others, and Spark's own `conf` above them all.

    Raises EngineError where a file cannot be read.
    """
    found: dict[str, str] = {}
    for name in _FILES:
        path = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if path is not None:
            found |= _file(path)
    found |= {name.removeprefix(_OURS): value for name, value in conf.items() if name.startswith(_OURS)}
    return {name: _replaced(value, found) for name, value in found.items()}


def managers(said: Mapping[str, str]) -> list[tuple[str, int]]:
    """Host and port of each ResourceManager; several where one stands in for another."""
    if said.get(f"{_MANAGER}.ha.enabled", "").lower() == "true":
        ends = [f".{one.strip()}" for one in said.get(f"{_MANAGER}.ha.rm-ids", "").split(",") if one.strip()]
    else:
        ends = [""]
    found = []
    for end in ends:
        address = said.get(f"{_MANAGER}.address{end}") or said.get(f"{_MANAGER}.hostname{end}", "0.0.0.0")  # noqa: S104  Hadoop's own
        host, _, port = address.strip().partition(":")
        found.append((host, int(port) if port.isdigit() else _PORT))
    return found


def _file(path: Path) -> dict[str, str]:
    try:
        root = ElementTree.parse(path).getroot()  # noqa: S314  the user's own file
    except (OSError, ElementTree.ParseError) as error:
        raise EngineError(f"Hadoop's configuration cannot be read ({error})", where=str(path)) from error
    with suppress(ElementInclude.FatalIncludeError, ElementTree.ParseError, OSError):  # Hadoop may have a fallback
        ElementInclude.include(root, base_url=str(path))
    texts = ((one.findtext("name"), one.findtext("value")) for one in root.iter("property"))
    return {name.strip(): value.strip() for name, value in texts if name and value is not None}


def _replaced(value: str, found: Mapping[str, str]) -> str:
    """References to other settings and to variables (`${env.X}`), as deep as Hadoop follows them."""
    for _ in range(20):
        replaced = _NAMED.sub(lambda one: _named(one[1], found, one[0]), value)
        if replaced == value:
            break
        value = replaced
    return value


def _named(name: str, found: Mapping[str, str], otherwise: str) -> str:
    if name.startswith("env."):
        variable, _, default = name.removeprefix("env.").partition(":-")
        return os.environ.get(variable) or default or otherwise
    return found.get(name, otherwise)
