"""A stream: micro-batch after micro-batch of a pipeline's streaming sources, each one load, one transaction.

What was prepared (schemas, mapping, plan, the tables' catalog) is used again while the pipeline's files and the tables
are as they were: the approval is asked for before each micro-batch and again before its commit, and the transaction
compares the tables' definitions as in any load. Where to read on is the destination's position, moved by
compare-and-set: a process that is killed at any point leaves nothing half done and nothing to be told.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from octo_core.batch import Batch
from octo_core.deletes import STREAMS
from octo_core.errors import NotApproved, OctopipeError, TablesChanged, UsageError
from octo_core.ledger import LoadResult
from octo_core.offsets import Offsets
from octo_core.plan.fingerprint import fingerprint
from octo_core.spec.pipeline import Stream as StreamSpec
from octo_core.spec.sources import KafkaSource, PushSource
from octo_core.streaming import MicroBatch, StreamState
from octo_resources.flow.living import alive
from octo_resources.flow.loading import as_it_is, recorded
from octo_resources.flow.logs import step
from octo_resources.flow.offsets import require_unlost
from octo_resources.flow.origins import settled
from octo_resources.flow.planning import Prepared, prepare
from octo_resources.flow.recovering import recover
from octo_resources.flow.spooling import being_read, fed, is_spooled, loadable, read_by_tasks, resume_from
from octo_resources.flow.stream_state import Telling, stream_lock
from octo_resources.flow.streamed import Streamed
from octo_resources.flow.underway import LoadOutcome, Stage, Underway, unwatched
from octo_resources.flow.workspace import Workspace
from octo_resources.landing.ulid import new_ulid
from octo_resources.project import Pipeline
from octo_resources.sources.resume import Resume

if TYPE_CHECKING:
    from octo_resources.sources.caught import Caught

IDLE: Final = 0.1
"""Seconds between two looks at the ends of a topic that has nothing new, with `trigger: continuous`."""
LOOK: Final = 1.0
"""Seconds between two looks at the pipeline's files and its switch."""
TIDY: Final = 300.0
"""Seconds between two removals of what is not needed any more."""
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0
"""Seconds before something is tried again that may pass by itself."""


class Follower(Protocol):
    """Reads a streaming source, micro-batch by micro-batch."""

    def position(self, resume: Resume | None) -> Offsets:
        """How far the source was read."""

    def catch(self, position: Offsets, resume: Resume | None, max_rows: int, max_bytes: int) -> "Caught | None":
        """What came since `position` as a landed batch, at most so much of it."""


Told = Callable[[MicroBatch], None]


class _EditedError(Exception):
    """What the plan is made from is another now: all that stands on it is made anew."""


def streaming_sources(pipeline: Pipeline) -> list[str]:
    """The sources that a stream follows. UsageError where there are none, or nothing is said of streaming."""
    if pipeline.spec.stream is None:
        hint = "add to its file: stream: {trigger: 2 s}"
        raise UsageError(f"{pipeline.name} is no stream", hint=hint)
    found = [name for name, source in pipeline.spec.sources.items() if source.kind in STREAMS]
    if not found:
        raise UsageError(f"{pipeline.name} has no source that is a stream", hint="stream: is for kinds kafka and push")
    return found


class Streaming:
    """One stream under way; made for one use.

    `stopping` ends it after the micro-batch that runs. With `once` it ends when nothing waits any more.
    """

    def __init__(
        self,
        space: Workspace,
        pipeline: Pipeline,
        *,
        told: Told,
        stopping: threading.Event,
        stage: Stage = unwatched,
        dagster_run: str | None = None,
        said: Callable[[str], None] = lambda _: None,
        once: bool = False,
    ) -> None:
        self._is(pipeline)
        self._space = self.space = space
        self._told, self.stopping, self._stage, self._run = told, stopping, stage, dagster_run
        self._said, self.once = said, once
        self.telling = Telling(space.project.state, pipeline.name)
        self._resumes: dict[str, Resume | None] = {}
        self._waiting: dict[str, list[Batch]] = {}
        self._looked = self._tidied = time.monotonic()

    def _is(self, pipeline: Pipeline) -> None:
        """The pipeline as it is now. UsageError where it is no stream (any more)."""
        self.sources = streaming_sources(pipeline)
        assert pipeline.spec.stream is not None
        self.spec: StreamSpec = pipeline.spec.stream
        self.pipeline = pipeline

    def run(self) -> StreamState:
        """Stream until it is stopped, or cannot go on: the state it ended in. Raises what no retry will mend."""
        with stream_lock(self.space.project.state, self.pipeline.name):
            try:
                state = self._through()
            except NotApproved as error:
                return self.telling.ended("waiting_for_approval", str(error))
            except BaseException as error:
                if not isinstance(error, Exception):  # Ctrl-C twice, or a run that is cancelled
                    return self.telling.ended("stopped", "interrupted; the micro-batch that ran was rolled back")
                self.telling.ended("failed", str(error))
                raise
            return state

    def _through(self) -> StreamState:
        wait = _FIRST_WAIT
        while not self.stopping.is_set():
            done = self.telling.state.micro_batches
            try:
                return self._follow()
            except _EditedError:
                continue
            except TablesChanged:  # an index, a column that the plan has nothing to do with: it may be approved still
                self.telling.retrying("the destination's tables changed; the plan is made again")
            except OctopipeError as error:
                if not error.retryable:
                    raise
                self.telling.retrying(str(error))
                self._said(f"{error}; trying again")
            wait = _FIRST_WAIT if self.telling.state.micro_batches > done else wait
            self.stopping.wait(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
        return self.telling.ended("stopped", None)

    def _follow(self) -> StreamState:
        """From connecting until the stream stops, or the plan waits."""
        with ExitStack() as stack:
            self.space = stack.enter_context(self._space.holding())
            self._prepare()
            followers = {name: stack.enter_context(self._follower(name)) for name in self.sources}
            self._resume(followers)
            if self.pipeline.engine.kind == "spark":
                from octo_resources.flow.spark_stream import rounds

                return rounds(self, followers)
            return self._rounds(followers)

    def _rounds(self, followers: "dict[str, Follower]") -> StreamState:
        """Micro-batches of all sources in turn, one after the other."""
        while not self.stopping.is_set():
            began = time.monotonic()
            more, idle = False, True
            for name, follower in followers.items():
                waits, left = self.micro_batch(name, follower)
                if waits is not None:
                    return self.telling.ended("waiting_for_approval", waits)
                more, idle = more or bool(left), idle and left is None
            if idle and self.once:
                return self.telling.ended("stopped", None)
            if not more:
                self.pause(began)
            if self.changed():
                return self.telling.ended("stopped", f"{self.pipeline.name} was stopped or paused")
        return self.telling.ended("stopped", None)

    # --- what it stands on -------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """The plan that runs, made from its parts, and held until something of it changes. Raises NotApproved."""
        self._is(settled(self.space, self.space.pipeline(self.pipeline.name)))
        said = self._by_people()
        made = prepare(self.space, self.pipeline)
        self._known = said, self._found_out()
        self.prepared: Prepared = as_it_is(self.space, self.pipeline, made)
        self.fingerprint = fingerprint(self.prepared.recipe)
        self.space.registry.decisions.require_approved(self.pipeline.name, self.fingerprint)
        destination = self.space.destination(self.pipeline)
        if not destination.prepared():
            destination.prepare()
        recover(self.space, self.pipeline)
        self.tables = {name: fed(self.pipeline, name) for name in self.sources}
        self.streamed = Streamed(self.space, self.pipeline, self.prepared, self.sources)
        self.telling.running(self.fingerprint)

    @contextmanager
    def _follower(self, name: str) -> "Iterator[Follower]":
        spec, place, landing = self.pipeline.spec.sources[name], self.space.project, self.space.landing
        if isinstance(spec, PushSource):
            from octo_resources.sources.push.follow import PushFollower

            with PushFollower(spec, self.pipeline.name, name, place, landing) as queue:
                yield queue
            return
        from octo_resources.sources.kafka.follow import KafkaFollower, UnreadFollower

        assert isinstance(spec, KafkaSource)
        kind = UnreadFollower if read_by_tasks(self.pipeline, name) else KafkaFollower
        with kind(spec, self.pipeline.name, name, place, landing, self.telling.retrying) as topics:
            yield topics

    def _resume(self, followers: "dict[str, Follower]") -> None:
        """Where each source goes on, and what landed of it that is not loaded yet."""
        destination = self.space.destination(self.pipeline)
        positions, known = destination.positions(self.pipeline.name), destination.known_batches(self.pipeline.name)
        self.positions = {}
        for name, follower in followers.items():
            spooled = is_spooled(self.pipeline, name)
            self._resumes[name] = resume_from(self.space, self.pipeline, name) if spooled else None
            self.positions[name] = follower.position(self._resumes[name])
            if not self.positions[name]:
                require_unlost(self.space, self.pipeline, name)
            landed = self.space.landing.batches(self.pipeline.name, name)
            waiting = {
                batch.id: batch
                for table in self.tables[name]
                for batch in loadable(landed, name, table, positions)
                if batch.id not in known.get((name, table), frozenset())
            }
            self._waiting[name] = [waiting[one] for one in sorted(waiting)]
            if spooled:  # what another batch overtook is of no use any more
                keep = {*waiting, *being_read(self.space, self.pipeline)}
                self.space.landing.drop_spooled(self.pipeline.name, name, keep=keep, remember=())

    # --- micro-batches -----------------------------------------------------------------------------------------

    def micro_batch(self, name: str, follower: "Follower") -> tuple[str | None, bool | None]:
        """(why the stream waits, whether there is more already): one micro-batch of a source; (None, None) if nothing
        came."""
        if self._waiting[name]:  # what a process before this one read, and did not load
            batch = self._waiting[name][0]
            waits = self._load(name, batch, None)
            if waits is None:
                self._waiting[name].pop(0)
                self._resume_one(name, batch)
            return waits, True
        caught = follower.catch(self.positions[name], self._resumes[name], self.spec.max_rows, self.spec.max_bytes)
        if caught is None:
            self.telling.idle(name)
            return None, None
        waits = self._load(name, caught.batch, caught)
        if waits is None:
            self._resume_one(name, caught.batch)
        return waits, caught.behind > 0

    def _resume_one(self, name: str, batch: Batch) -> None:
        """After a commit: it was this process that moved the position, by one epoch, to where the batch ends."""
        at = self._resumes[name]
        self.positions[name] = Offsets.of_position(batch.position)
        if at is not None:
            epochs = {table: batch.epochs.get(table, 0) + 1 for table in self.tables[name]}
            self._resumes[name] = Resume(
                {table: dict(batch.position) for table in epochs}, epochs, appended=at.appended
            )
            others = {one.id for one in self.space.landing.batches(self.pipeline.name, name)} - {batch.id}
            self.space.landing.drop_spooled(self.pipeline.name, name, keep=others, remember=())

    def _load(self, name: str, batch: Batch, caught: "Caught | None") -> str | None:
        """Load one micro-batch; why the stream waits where the plan does."""
        load_id = new_ulid(None)
        self.streamed.begin(name, self.tables[name])
        under_way = Underway(
            self.space, self.pipeline, self.prepared, load_id, self.fingerprint, False, self._stage, self.streamed
        )
        pending = {table: [batch] for table in self.tables[name]}
        began = time.monotonic()
        self.space.registry.decisions.require_approved(self.pipeline.name, self.fingerprint)
        with alive(self.space.project.state, load_id):
            outcome = recorded(self.space, self.pipeline, under_way, pending, self._run)
        if outcome.result.status == "waiting_for_approval":
            self._log_drift(outcome)
            return "; ".join([*(text for found in outcome.drift.values() for text in found)]) or "the source changed"
        if outcome.result.status == "loaded":
            self.streamed.committed(outcome.result)
            self._tell(name, batch, caught, outcome.result, time.monotonic() - began)
        return None

    def _log_drift(self, outcome: LoadOutcome) -> None:
        with step(self.space, self.pipeline.name, "load", load=outcome.result.load_id) as log:
            changes = [text for found in outcome.drift.values() for text in found]
            log.line("the stream waits for approval: " + "; ".join([*changes, *outcome.result.warnings]), "warning")

    def _tell(self, name: str, batch: Batch, caught: "Caught | None", result: LoadResult, seconds: float) -> None:
        from octo_resources.flow.stream_state import delay_of

        stamps = caught.stamps if caught is not None and len(caught.stamps) else self.streamed.stamps
        made = MicroBatch(
            load_id=result.load_id,
            batch=batch.id,
            source=name,
            from_=batch.cursor_from or "",
            to=batch.cursor_to or "",
            rows=batch.rows if batch.rows is not None else result.sources[name].extracted,
            bytes=batch.bytes,
            behind=caught.behind if caught is not None else 0,
            seconds=round(seconds, 3),
            tables=result.tables,
            delay=delay_of(stamps),
            dead_letters=self.streamed.letters,
            warnings=result.warnings,
        )
        self.telling.committed(made, stamps)
        self._told(made)

    # --- between them ------------------------------------------------------------------------------------------

    def pause(self, began: float) -> None:
        trigger = self.spec.trigger
        wait = IDLE if trigger == "continuous" else trigger.total_seconds() - (time.monotonic() - began)
        if wait > 0:
            self.stopping.wait(wait)

    def changed(self) -> bool:
        """Whether somebody switched the pipeline off. Raises _EditedError where the plan has to be made anew."""
        now = time.monotonic()
        if now - self._tidied > TIDY:
            from octo_resources.flow.cleaning import keep_landing

            keep_landing(self.space, self.pipeline)
            self._tidied = now
        if now - self._looked < LOOK:
            return False
        self._looked = now
        if (self._by_people(), self._found_out()) != self._known:
            raise _EditedError
        control = self.space.registry.controls.of(self.pipeline.name, datetime.now(UTC))
        return (
            control.changed_at is not None
            and control.changed_at > self.telling.state.since
            and (control.state in ("stopped", "paused"))
        )

    def _by_people(self) -> tuple[object, ...]:
        """The pipeline's files and the reviewers' corrections: another answer, and the plan may be another one."""
        return _written(self.pipeline), self.space.registry.corrections.holding(self.pipeline.name)

    def _found_out(self) -> tuple[int | None, ...]:
        """The versions of the schemas and the proposed mapping that the plan stands on."""
        registry, name = self.space.registry, self.pipeline.name
        parts = [registry.schemas.newest_number(name, source) for source in self.pipeline.spec.sources]
        return (*parts, registry.mappings.newest_number(name))


def _written(pipeline: Pipeline) -> dict[str, tuple[int, int]]:
    """Each file of the pipeline's folder with its time and size: another answer, and something may have changed."""
    return {
        path.name: (found.st_mtime_ns, found.st_size)
        for path in pipeline.folder.iterdir()
        if path.is_file() and (found := path.stat())
    }
