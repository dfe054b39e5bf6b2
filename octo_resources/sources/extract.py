"""One extraction of one source: what is new becomes a landed batch, once."""

from collections.abc import Collection, Sequence

from octo_core.batch import Batch
from octo_core.collecting import collected_seldom
from octo_core.errors import NotSupportedYet, UsageError
from octo_core.offsets import OffsetRange
from octo_core.spec.sources import FileSource, KafkaSource, PushSource, RestSource, Source, SqlSource
from octo_resources.landing import Landing
from octo_resources.sources.place import Place, Progress, silent
from octo_resources.sources.resume import Resume

Reachable = FileSource | RestSource | SqlSource | KafkaSource | PushSource


def extract(
    spec: Source,
    *,
    pipeline: str,
    source_name: str,
    project: Place,
    landing: Landing,
    since: str | None = None,
    full: bool = False,
    progress: Progress = silent,
    waiting: Collection[str] = (),
    once: bool = False,
    resume: Resume | None = None,
    ranges: Sequence[OffsetRange] | None = None,
    unread: bool = False,
) -> Batch | None:
    """The batch that landed, or None where nothing is new.

    An incremental read goes on from the newest landed batch, or from the cursor value `since`. `full` reads all again.
    `waiting` names batches that are still to be loaded: a whole read that brings the same bytes as the newest of them
    lands nothing. `once`: an incremental read leaves out the records that it brings again (of those at the cursor's
    position, or within its lag), for rows that are appended. `resume`: how far the destination is, from where a
    source with `landing: off` is read on. `ranges`: of Kafka exactly these, as far as they still go on from there.
    `unread`: nothing of it is read where only ranges can be said, which the tasks of its load read themselves.

    Raises SourceError, LandingError, UsageError.
    """
    local = reachable(spec)
    _require_landing(local, source_name)
    with landing.lock(pipeline, source_name), collected_seldom():
        if isinstance(local, KafkaSource):
            from octo_resources.sources.kafka.extract import extract_kafka

            return extract_kafka(
                local, pipeline, source_name, project, landing, since, full, progress, resume=resume, ranges=ranges,
                unread=unread,
            )  # fmt: skip
        if isinstance(local, RestSource):
            from octo_resources.sources.rest.extract import extract_rest  # 130 ms: httpx

            return extract_rest(
                local, pipeline, source_name, project, landing, since, full, progress, waiting=waiting, once=once
            )
        if isinstance(local, SqlSource):
            from octo_resources.sources.sql.extract import extract_sql  # 0.5 s: SQLAlchemy, Arrow

            return extract_sql(
                local, pipeline, source_name, project, landing, since, full, progress, once=once, resume=resume,
                unread=unread,
            )  # fmt: skip
        if isinstance(local, PushSource):
            from octo_resources.sources.push.drain import extract_push  # 15 ms: sqlite3

            return extract_push(local, pipeline, source_name, project, landing, progress)
        return _extract_files(local, pipeline, source_name, project, landing, full, progress)


def reachable(spec: Source) -> Reachable:
    """The source, if its kind is built. Raises NotSupportedYet."""
    if isinstance(spec, FileSource | RestSource | SqlSource | KafkaSource | PushSource):
        return spec
    built = "Built are: file, rest, sql, kafka, push."
    raise NotSupportedYet(f"sources of kind {spec.kind!r} are not supported yet", hint=built)


def _extract_files(
    spec: FileSource, pipeline: str, source: str, project: Place, landing: Landing, full: bool, progress: Progress
) -> Batch | None:
    from octo_resources.sources.file.extract import land_files
    from octo_resources.sources.file.objects import is_remote, land_objects

    history = landing.history(pipeline, source)
    with landing.begin(pipeline, source) as writer:
        reading = land_objects if is_remote(spec, project) else land_files
        found = reading(spec, project, writer, history, full=full, progress=progress)
        if found is None:
            return None
        counts = [file.rows for file in found.files]
        return writer.commit(
            found.files,
            landing=found.landing,
            rows=None if None in counts else sum(count or 0 for count in counts),
            size=found.bytes,
            full=found.all_new,
        )


def _require_landing(spec: Reachable, name: str) -> None:
    if spec.landing == "off" and spec.kind not in ("sql", "kafka"):
        raise UsageError(
            f"a {spec.kind} source cannot be read twice the same, so it has to land",
            where=f"sources.{name}.landing",
            hint="Leave `landing` out, or write `copy`" + (" or `reference`." if spec.kind == "file" else "."),
        )
    if spec.landing == "reference" and spec.kind == "kafka":
        raise UsageError(
            "messages cannot be referred to: their topic forgets them",
            where=f"sources.{name}.landing",
            hint="Leave `landing` out (read again by offsets while the topic keeps them), or write `copy`.",
        )
    if spec.landing == "reference" and spec.kind != "file":
        raise UsageError(
            f"what comes from a {spec.kind} source cannot be referred to later",
            where=f"sources.{name}.landing",
            hint="Write `landing: copy`.",
        )
