"""Samples: a batch of a source's first records, for a first look at its schema."""

from itertools import islice

from octo_core.batch import Batch
from octo_core.spec.sources import KafkaSource, PushSource, RestSource, SampleLimits, Source, SqlSource
from octo_resources.landing import Landing
from octo_resources.sources.extract import reachable
from octo_resources.sources.place import Place, Progress, silent


def sample(
    spec: Source,
    *,
    pipeline: str,
    source_name: str,
    project: Place,
    landing: Landing,
    limits: SampleLimits,
    progress: Progress = silent,
) -> Batch | None:
    """A batch of the first records within `limits` or a few more, landed in a zone of its own: pass a scratch Landing.

    Pages are not fetched past that many records, JSON documents are not converted past them. Files that are referred
    to are referred to whole; whoever reads them stops where it wants. None where there is nothing.
    """
    rows = limits.rows
    local = reachable(spec)
    with landing.lock(pipeline, source_name):
        if isinstance(local, KafkaSource):
            from octo_resources.sources.kafka.extract import extract_kafka

            return extract_kafka(
                local, pipeline, source_name, project, landing, None, True, progress,
                max_rows=rows, max_bytes=limits.bytes,
            )  # fmt: skip
        if isinstance(local, RestSource):
            from octo_resources.sources.rest.extract import extract_rest  # 130 ms: httpx

            return extract_rest(
                local, pipeline, source_name, project, landing, None, True, progress, rows, max_bytes=limits.bytes
            )
        if isinstance(local, SqlSource):
            from octo_resources.sources.sql.extract import extract_sql  # 0.5 s: SQLAlchemy, Arrow

            return extract_sql(local, pipeline, source_name, project, landing, None, True, progress, limits=limits)
        if isinstance(local, PushSource):
            from octo_resources.sources.push.drain import extract_push, sample_files  # 15 ms: sqlite3

            waiting = extract_push(local, pipeline, source_name, project, landing, progress, rows)
            files = sample_files(project.root, pipeline, source_name)
            if waiting is not None or files is None:
                return waiting
            local = files
        from octo_resources.sources.file.extract import land_files
        from octo_resources.sources.file.objects import is_remote, land_objects

        reading = land_objects if is_remote(local, project) else land_files
        with landing.begin(pipeline, source_name) as writer:
            found = reading(
                local, project, writer, (), full=True, progress=progress, limit=lambda records: islice(records, rows)
            )
            if found is None:
                return None
            return writer.commit(found.files, landing=found.landing, size=found.bytes, full=True)
