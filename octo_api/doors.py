"""The door of each pipeline that is pushed to: its configuration, tokens and schema, looked at again now and then."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from octo_api.admission import Admission, admission, unknown
from octo_api.problems import Refused, put_off
from octo_core.errors import OctopipeError, SpecError, UsageError
from octo_core.holding import Contract
from octo_core.spec.names import PIPELINE_NAME
from octo_core.spec.sources import PushSource
from octo_core.spec.units import parse_rate
from octo_resources.flow.workspace import Workspace
from octo_resources.project import PIPELINE_FILES, Pipeline, Project
from octo_resources.registry import Registry

_FRESH: Final = 2.0
"""Seconds after which a door is looked at again: so long a revoked token may still be taken."""


@dataclass
class Bucket:
    """Requests a second, and the second's worth that may come at once."""

    rate: float
    left: float = field(init=False)
    at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.left = max(self.rate, 1.0)

    def take(self) -> None:
        """Raises Refused (429)."""
        now = time.monotonic()
        self.left = min(max(self.rate, 1.0), self.left + (now - self.at) * self.rate)
        self.at = now
        if self.left < 1:
            raise put_off(429, "More requests than the source's `rate`", int((1 - self.left) / self.rate) + 1)
        self.left -= 1


@dataclass(frozen=True, slots=True)
class Door:
    """One source that is pushed to. `contract` is None before it has a schema."""

    pipeline: str
    source: str
    spec: PushSource
    admission: Admission
    contract: Contract | None
    read_at: float


class Doors:
    """The doors of a project, each kept for two seconds and then renewed beside the requests that come meanwhile."""

    def __init__(self, project: Project, registry: Registry) -> None:
        self._project, self._root, self._registry = project, project.root, registry
        self._doors: dict[tuple[str, str], Door] = {}
        self._renewing: dict[tuple[str, str], asyncio.Task[Door]] = {}
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._files: dict[str, tuple[object, Pipeline]] = {}

    async def door(self, pipeline: str, source: str | None) -> Door:
        """The door of a pipeline's source (its only one that is pushed to, when left out). Raises Refused."""
        place = (pipeline, source or "")
        known = self._doors.get(place)
        if known is not None and time.monotonic() - known.read_at < _FRESH:
            return known
        if place not in self._renewing:
            renewal = self._renewing[place] = asyncio.create_task(self._renew(place))
            renewal.add_done_callback(_heard)
        if known is not None and time.monotonic() - known.read_at < 5 * _FRESH:
            return known
        return await asyncio.shield(self._renewing[place])

    def within_rate(self, door: Door) -> None:
        """Count a request. Raises Refused (429)."""
        if door.spec.rate is None:
            return
        place, rate = (door.pipeline, door.source), parse_rate(door.spec.rate)
        bucket = self._buckets.get(place)
        if bucket is None or bucket.rate != rate:
            bucket = self._buckets[place] = Bucket(rate)
        bucket.take()

    def workspace(self) -> Workspace:
        """The project as its files are now."""
        return Workspace(Project.at(self._root), self._registry)

    async def _renew(self, place: tuple[str, str]) -> Door:
        try:
            door = await asyncio.to_thread(self._read, *place)
            self._doors[place] = door
            return door
        except BaseException:
            self._doors.pop(place, None)
            raise
        finally:
            self._renewing.pop(place, None)

    def _pipeline(self, name: str) -> Pipeline:
        """The pipeline as its files are; they are read again where one of them is another. 1 ms instead of 30."""
        folder = self._root / "pipelines" / name
        paths = (self._root / "octopipe.yaml", self._root / ".env", *(folder / one for one in PIPELINE_FILES))
        signature = tuple(_stat(path) for path in paths)
        known = self._files.get(name)
        if known is None or known[0] != signature:
            known = self._files[name] = (signature, self.workspace().pipeline(name))
        return known[1]

    def _read(self, pipeline: str, source: str) -> Door:
        if not PIPELINE_NAME.match(pipeline) or not self._project.has_pipeline(pipeline):
            raise unknown()  # what is asked for by nobody known costs no more than this
        try:
            found = self._pipeline(pipeline)
        except SpecError:
            raise Refused(503, "The pipeline's file has mistakes", hint="octopipe check says which") from None
        except UsageError:
            raise unknown() from None
        pushed = {name: spec for name, spec in found.spec.sources.items() if isinstance(spec, PushSource)}
        name = source or next(iter(pushed), "")
        if name not in pushed or (not source and len(pushed) > 1):
            raise unknown()
        try:
            asked = admission(pushed[name], found.project.secrets, self._registry.tokens.hashes(pipeline))
        except OctopipeError as error:
            raise Refused(503, "The source's `auth` cannot be used", error.message.split(":")[0]) from None
        schema = self._registry.schemas.newest(pipeline, name)
        return Door(pipeline, name, pushed[name], asked, Contract(schema) if schema else None, time.monotonic())


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _heard(renewal: "asyncio.Task[Door]") -> None:
    """A renewal that nobody waits for may fail: the next request finds no door, and is told why."""
    if not renewal.cancelled():
        renewal.exception()
