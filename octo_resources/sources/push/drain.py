"""From the queue into landed batches: what came after the newest landed batch, in the order it was accepted.

The batch's manifest holds the position in the queue that it reaches (`cursor_to`), and appears by one rename: what was
landed is known by that alone, so that a drain that is killed at any moment loses nothing and lands nothing twice.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from octo_core.batch import Batch, LandedFile
from octo_core.spec.sources import FileSource, PushSource
from octo_resources.landing import Landing
from octo_resources.landing.disk import landing_errors
from octo_resources.landing.writer import BatchWriter
from octo_resources.sources.compressed import ZstdFile
from octo_resources.sources.place import Place, Progress
from octo_resources.sources.push.queue import Pushed, QueueReader, queue_path

PART_BYTES: Final = 64_000_000
_SAMPLE_ENDINGS: Final = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".json.zst", ".jsonl.zst")


def extract_push(
    spec: PushSource,
    pipeline: str,
    source: str,
    place: Place,
    landing: Landing,
    progress: Progress,
    max_rows: int | None = None,
) -> Batch | None:
    """Land all that waits now, in batches of at most `batch.rows` items; the newest of them, or None.

    `max_rows`: no further batch once so many items landed. Call it under the source's lock. Raises LandingError.
    """
    if spec.to is not None:
        from octo_resources.sources.push.from_topic import extract_topic  # confluent-kafka

        return extract_topic(spec.to, pipeline, source, place, landing, progress, max_rows)
    queue = QueueReader(queue_path(place.root))
    queue_id = queue.id
    if queue_id is None:
        return None
    at, last = landed_to(landing.newest(pipeline, source), queue_id), queue.last(pipeline, source)
    batch, rows = None, 0
    while at < last and (max_rows is None or rows < max_rows):
        waiting = queue.after(pipeline, source, at, last)
        first = next(waiting, None)
        if first is None:
            break
        with landing.begin(pipeline, source) as writer:
            most = min(spec.batch.rows, max_rows - rows) if max_rows is not None else spec.batch.rows
            parts = _Parts(writer, queue_id)
            at = parts.fill(chain([first], waiting), most, progress)
            batch = parts.commit(position(queue_id, first[0].seq - 1), position(queue_id, at))
        waiting.close()
        rows += batch.rows or 0
    return batch


def position(queue_id: str, seq: int) -> str:
    """A place in a queue as manifests keep it; two of one queue compare as texts."""
    return f"{queue_id}:{seq:012d}"


def landed_to(newest: Batch | None, queue_id: str) -> int:
    """The newest position of this queue that landed; 0 where none did, and where the batch is of another queue."""
    name, _, seq = ((newest.cursor_to if newest else None) or "").partition(":")
    return int(seq) if name == queue_id and seq.isdigit() else 0


def sample_files(root: Path, pipeline: str, source: str) -> FileSource | None:
    """The files of a pipeline's samples/ that show what will be pushed: `SOURCE.json…` there, else every JSON file."""
    folder = root / "pipelines" / pipeline / "samples"
    found = sorted(path for path in folder.glob("*") if path.is_file() and path.name.endswith(_SAMPLE_ENDINGS))
    own = [path for path in found if path.name.partition(".")[0] == source]
    if not found:
        return None
    pattern = f"{source}.*" if own else "*.json*" if any(".json" in path.name for path in found) else "*.ndjson"
    return FileSource(kind="file", path=str(folder / pattern), landing="copy")


class _Parts:
    """The files of one batch in the making."""

    def __init__(self, writer: BatchWriter, queue_id: str) -> None:
        self._writer, self._queue = writer, queue_id
        self._files: list[LandedFile] = []
        self._rows = self._size = 0

    def fill(self, waiting: Iterator[tuple[Pushed, bytes]], most: int, progress: Progress) -> int:
        """Write requests until the batch has `most` items; the position reached. A request is never taken apart."""
        open_: ZstdFile | None = None
        first = reached = 0
        try:
            with landing_errors(self._writer.folder):
                for pushed, body in waiting:
                    if open_ is None:
                        open_, first = self._part(), pushed.seq
                    open_.write(body + b"\n", pushed.items)
                    self._rows, reached = self._rows + pushed.items, pushed.seq
                    if open_.raw_bytes >= PART_BYTES:
                        self._close(open_, first, reached)
                        open_ = None
                    progress(self._rows, self._size + (open_.raw_bytes if open_ else 0), "the queue")
                    if self._rows >= most:
                        break
                if open_ is not None:
                    done, open_ = open_, None
                    self._close(done, first, reached)
        finally:
            if open_ is not None:
                open_.abandon()
        return reached

    def commit(self, begin: str, end: str) -> Batch:
        return self._writer.commit(
            tuple(self._files),
            landing="copy",
            rows=self._rows,
            size=self._size,
            cursor_from=begin,
            cursor_to=end,
            full=False,
        )

    def _part(self) -> ZstdFile:
        return ZstdFile(self._writer.folder / f"part-{len(self._files):05d}.jsonl.zst")

    def _close(self, file: ZstdFile, first: int, last: int) -> None:
        done = file.close()
        self._size += done.raw_bytes
        self._files.append(
            LandedFile(
                path=f"part-{len(self._files):05d}.jsonl.zst",
                format="jsonl",
                compression="zstd",
                bytes=done.bytes,
                sha256=done.sha256,
                rows=done.rows,
                position={"queue": self._queue, "from": first, "to": last, "raw_bytes": done.raw_bytes},
            )
        )
