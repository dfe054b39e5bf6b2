"""The command line in this process: what it prints, and its exit code."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from octo_cli.main import execute


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


Cli = Callable[..., Said]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    """cli("check", "--json") → what was said."""
    handlers = logging.getLogger().handlers[:]

    def run(*args: str) -> Said:
        capsys.readouterr()
        code = execute(list(args))
        out, err = capsys.readouterr()
        return Said(code, out, err)

    yield run
    logging.getLogger().handlers[:] = handlers


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> Path:
    """The folder that `octopipe new` makes, as the current one."""
    monkeypatch.delenv("OCTOPIPE_HOME", raising=False)
    monkeypatch.delenv("WAREHOUSE_URL", raising=False)
    folder = tmp_path / "shop"
    assert cli("new", str(folder)).code == 0
    monkeypatch.chdir(folder)
    return folder
