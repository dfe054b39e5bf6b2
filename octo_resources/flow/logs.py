"""A pipeline's own log: a line for what each step did, redacted, in .octopipe/logs, beside the steps' states."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from octo_core.errors import NotApproved
from octo_core.schema import Frozen
from octo_resources.flow.workspace import Workspace
from octo_resources.redaction import redact
from octo_resources.registry.model import Step

Level = Literal["info", "warning", "error"]
_POLL_SECONDS = 0.5


class LogLine(Frozen):
    """One line of a pipeline's log; `load` is empty for what no load did."""

    time: datetime
    level: Level
    step: str
    load: str | None = None
    message: str

    @property
    def text(self) -> str:
        """The line as people read it."""
        mark = {"warning": "! ", "error": "x "}.get(self.level, "  ")
        return f"{self.time.isoformat(timespec='milliseconds')} {mark}{self.step:<9} {self.message}"


@dataclass
class Log:
    """Writes the lines of one step."""

    path: Path
    pipeline: str
    step: str
    load: str | None = None
    last: str = field(default="", init=False)

    def line(self, message: str, level: Level = "info") -> None:
        """Append a line; its message is what the step's state shows afterwards."""
        self.last = redact(message)
        record = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "level": level,
            "step": self.step,
            "load": self.load,
            "message": self.last,
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def why(error: BaseException) -> str:
    """What ended a step or a load, redacted; of a signal only that."""
    return (redact(str(error)) or type(error).__name__) if isinstance(error, Exception) else "interrupted"


@contextmanager
def step(space: Workspace, pipeline: str, name: Step, *, part: str = "", load: str | None = None) -> Iterator[Log]:
    """One step of a pipeline: its state in the registry and its lines in the log, also when it fails."""
    path = log_path(space.project.state, pipeline)
    path.parent.mkdir(parents=True, exist_ok=True)
    log = Log(path, pipeline, name, load)
    space.registry.steps.put(pipeline, name, "running", part=part, log_path=str(path))
    try:
        yield log
    except BaseException as error:
        waits = isinstance(error, NotApproved)
        text = why(error)
        log.line(text, "warning" if waits else "error")
        space.registry.steps.put(pipeline, name, "waiting" if waits else "failed", part=part, message=text)
        raise
    space.registry.steps.put(pipeline, name, "done", part=part, message=log.last or None)


def log_path(state: Path, pipeline: str) -> Path:
    return state / "logs" / f"{pipeline}.jsonl"


def read_log(state: Path, pipeline: str, *, load: str | None = None, follow: bool = False) -> Iterator[LogLine]:
    """The log's lines, oldest first; with `follow` as they come, until interrupted."""
    path = log_path(state, pipeline)
    position = 0
    while True:
        if path.is_file():
            with path.open(encoding="utf-8") as file:
                file.seek(position)
                while (text := file.readline()).endswith("\n"):
                    position = file.tell()
                    line = _line(text)
                    if line is not None and (line.load or "").startswith(load or ""):
                        yield line
        if not follow:
            return
        time.sleep(_POLL_SECONDS)


def _line(text: str) -> LogLine | None:
    try:
        return LogLine.model_validate_json(text)
    except ValueError:
        return None  # a line that a killed process did not finish
