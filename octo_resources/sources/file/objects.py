"""Files in S3: listed page by page, only those that are new by key, ETag and size; each downloaded, then read."""

import logging
import re
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from octo_core.batch import Batch, LandedFile
from octo_core.errors import SourceError
from octo_core.spec.sources import FileSource
from octo_resources.landing import BatchWriter
from octo_resources.landing.disk import landing_errors
from octo_resources.objects import Object, ObjectStore, StoreError, open_store, split_address
from octo_resources.sources.file.extract import Limit, NewFiles, family, land_file, one_format
from octo_resources.sources.file.find import MARKERS, UNFINISHED
from octo_resources.sources.file.seen import Seen
from octo_resources.sources.place import Place, Progress

_log = logging.getLogger(__name__)
_MAGIC = re.compile(r"[*?\[]")
_AHEAD: Final = 64 << 20
_AT_ONCE: Final = 8
_NOTHING_SEEN = Seen({}, {})


def is_remote(spec: FileSource, place: Place) -> bool:
    """Whether the path is an address in an object store."""
    address = place.secrets.reveal(spec.path)
    return "://" in address and not address.startswith(("file://", "http://", "https://"))


def land_objects(
    spec: FileSource,
    place: Place,
    writer: BatchWriter,
    history: Iterable[Batch],
    *,
    full: bool,
    progress: Progress,
    limit: Limit | None = None,
) -> NewFiles | None:
    """Puts copies of what is new into `writer.folder`; None where nothing is new. One object is on the disk at a time
    beside what lands, or up to 64 MB of small ones. With `limit`, a sample, the first object that holds something is
    enough. Raises SourceError."""
    seen = {} if full else _seen(history)
    landed: list[LandedFile] = []
    rows, size, old, formats = 0, 0, 0, dict[str, Path]()
    with _source_errors(), ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(dir=writer.folder.parent, prefix=".tmp-get-"))
        store, found = matching(spec, place)
        fresh = _Fresh(store, found, seen)
        arriving = stack.enter_context(closing(_fetched(store, fresh, Path(folder), _AHEAD if limit is None else 0)))
        for one, path in arriving:
            known = seen.get(_address(store, one))
            file = _land(spec, store, one, path, writer, len(landed), limit)
            if file is None:
                continue
            if known is not None and known[2] == file.position["sha256"]:
                old += 1
                with landing_errors(writer.folder):
                    (writer.folder / file.path).unlink()
                continue
            formats.setdefault(family(file), Path(one.key))
            one_format(formats)
            landed.append(file)
            rows, size = rows + (file.rows or 0), size + one.size
            progress(rows, size, one.key)
            if limit is not None:
                break
    return NewFiles(tuple(landed), size, old + fresh.old == 0) if landed else None


class _Fresh:
    """The objects that did not land as they are now; `old` counts those that did."""

    def __init__(self, store: ObjectStore, found: Iterable[Object], seen: Mapping[str, tuple[int, str, str]]) -> None:
        self._store, self._found, self._seen = store, found, seen
        self.old = 0

    def __iter__(self) -> Iterator[Object]:
        for one in self._found:
            known = self._seen.get(_address(self._store, one))
            if known is not None and known[:2] == (one.size, one.etag):
                self.old += 1
            else:
                yield one


def _fetched(
    store: ObjectStore, wanted: Iterable[Object], folder: Path, ahead: int
) -> Generator[tuple[Object, Path], None, None]:
    """Each object and the file it was downloaded into, in order; up to `ahead` bytes of the next ones are on their way
    meanwhile, for a request each takes longer than what a small object has in it. One that was deleted since it was
    listed is left out, as if it had never been listed."""
    pending: deque[tuple[Object, Path, Future[None]]] = deque()
    waiting = 0
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        for number, one in enumerate(wanted):
            while pending and (waiting + one.size > ahead or len(pending) >= 2 * _AT_ONCE):
                waiting -= pending[0][0].size
                yield from _arrived(*pending.popleft())
            path = folder / str(number) / (one.key.rpartition("/")[2] or "object")
            pending.append((one, path, pool.submit(store.download, one.key, path, one)))
            waiting += one.size
        while pending:
            yield from _arrived(*pending.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _arrived(one: Object, path: Path, download: "Future[None]") -> Iterator[tuple[Object, Path]]:
    try:
        download.result()
    except StoreError as error:
        if not error.gone:
            raise
        _log.warning("%s was deleted after it was listed, and is left out", error.where)
        path.parent.rmdir()
    else:
        yield one, path


@contextmanager
def newest_object(spec: FileSource, place: Place) -> Iterator[tuple[Path, int]]:
    """(the first object that holds something, in a file that goes again; how many there are), for a look."""
    with _source_errors(), TemporaryDirectory(prefix="octopipe-look-") as folder:
        store, found = matching(spec, place)
        first, count = None, 0
        for one in found:
            count += 1
            first = first or (one if one.size else None)
        assert count, "matching raises where there is none"
        path = Path(folder) / (Path(first.key).name if first else "empty")
        if first is None:
            path.touch()
        else:
            store.download(first.key, path, first)
        yield path, count


def matching(spec: FileSource, place: Place) -> tuple[ObjectStore, Iterator[Object]]:
    """The store and the objects that a path means, in the order of their keys: an object, those right below a prefix,
    or those of a pattern with *, ? and **. Raises SourceError where there is none."""
    address = place.secrets.reveal(spec.path)
    bucket, key = split_address(address)
    store = open_store(f"s3://{bucket}", spec.endpoint)
    return store, _matching(store, address, key)


def _matching(store: ObjectStore, address: str, key: str) -> Iterator[Object]:
    magic = _MAGIC.search(key)
    pattern = _pattern(key if magic else f"{key.rstrip('/')}/*" if key.strip("/") else "*")
    found = False
    for one in store.objects(key[: magic.start()] if magic else key):
        if (one.key == key and not key.endswith("/")) or (pattern.fullmatch(one.key) and _wanted(one.key)):
            found = True
            yield one
    if not found:
        raise SourceError(f"no objects at {address!r}", hint=_near(store, key), retryable=False)


def _pattern(key: str) -> "re.Pattern[str]":
    """A glob as a regular expression over whole keys: * and ? stay within a folder, ** goes into sub-folders."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", key)
    plain = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    made = [
        plain[part] if part in plain else _letters(part) if part.startswith("[") else re.escape(part) for part in parts
    ]
    return re.compile("".join(made))


def _letters(part: str) -> str:
    """`[abc]` or `[!abc]` of a glob; what means more in a regular expression stands for itself."""
    sign, letters = ("^", part[2:-1]) if part.startswith("[!") and part != "[!]" else ("", part[1:-1])
    for special in ("\\", "^", "["):
        letters = letters.replace(special, f"\\{special}")
    return f"[{sign}{letters}]"


def _wanted(key: str) -> bool:
    name = key.rpartition("/")[2]
    return bool(name) and not name.startswith(".") and name not in MARKERS and not name.lower().endswith(UNFINISHED)


def _near(store: ObjectStore, key: str) -> str:
    folder = _MAGIC.split(key)[0].rpartition("/")[0]
    prefix = f"{folder}/" if folder else ""
    folders = [f"{name}/" for name in store.folders(prefix)]
    names = [*folders, *(one.key.removeprefix(prefix) for one, _ in zip(store.objects(prefix), range(8), strict=False))]
    return f"At {prefix or 'its top'} there are: {', '.join(names[:8])}" if names else f"There is nothing at {prefix}."


def _land(
    spec: FileSource,
    store: ObjectStore,
    one: Object,
    path: Path,
    writer: BatchWriter,
    number: int,
    limit: Limit | None,
) -> LandedFile | None:
    try:
        copied = spec.model_copy(update={"landing": "copy", "path": str(path)})
        file = land_file(copied, path, _NOTHING_SEEN, writer, number, limit)
    except SourceError as error:
        error.where = _address(store, one)
        raise
    finally:
        path.unlink(missing_ok=True)
        path.parent.rmdir()
    if file is None:
        return None
    position = {**file.position, "path": _address(store, one), "etag": one.etag, "bytes": one.size}
    position["modified_ns"] = int(one.modified.timestamp() * 1e9)
    return file.model_copy(update={"position": position})


def _seen(history: Iterable[Batch]) -> dict[str, tuple[int, str, str]]:
    """Address → (size, ETag, checksum) of what landed from it last."""
    return {
        str(file.position["path"]): (
            int(file.position["bytes"]),
            str(file.position.get("etag", "")),
            str(file.position["sha256"]),
        )
        for batch in history
        for file in batch.files
    }


def _address(store: ObjectStore, one: Object) -> str:
    return f"{store.address.removesuffix('/')}/{one.key}"


@contextmanager
def _source_errors() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise SourceError(error.message, where=error.where, hint=error.hint, retryable=error.retryable) from error
