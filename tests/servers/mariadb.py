"""A real MariaDB on a free port, in a folder of its own, that goes with the tests."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pymysql

USER, PASSWORD = "reader", "only-reads"


def _binary(*names: str) -> str:
    found = next((path for name in names if (path := shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin"))), None)
    assert found, f"{names[0]} is not installed: apt-get install mariadb-server-core mariadb-client-core"
    return found


@contextmanager
def mariadb() -> Iterator[str]:
    """mysql://root@127.0.0.1:PORT/ of an empty server; there is a user who may only read."""
    server, installer = _binary("mariadbd", "mysqld"), _binary("mariadb-install-db", "mysql_install_db")
    folder = Path(tempfile.mkdtemp(prefix="octomy"))
    user = ["--user=root"] if os.geteuid() == 0 else []
    common = ["--no-defaults", f"--datadir={folder / 'data'}", *user]
    subprocess.run(
        [installer, *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    small = ["--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", "--sql-mode="]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [server, *common, f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 's'}", *small],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _wait(process, port, folder)
        yield f"mysql://root@127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, (folder / "log").read_text()
        with suppress(pymysql.Error):
            with pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True) as connection:
                cursor = connection.cursor()
                cursor.execute(f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
                cursor.execute(f"GRANT SELECT ON *.* TO {USER}@'127.0.0.1'")
            return
        time.sleep(0.05)
    raise AssertionError((folder / "log").read_text())
