"""The durable queue of what was pushed: one SQLite file a project, written by one process and read by any.

What `append` returned for is on the disk (WAL, synchronous=FULL: one fsync a transaction, however many requests it
holds). A row keeps its items until they are in a landed batch, and after that what it was for `REMEMBERED`, so that
idempotency keys and status answers last.
"""

import sqlite3
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final
from uuid import uuid4

from filelock import FileLock, Timeout

from octo_core.errors import LandingError

REMEMBERED: Final = 7 * 86_400
"""Seconds that an idempotency key and a status are known after the items landed."""
_BUSY_SECONDS: Final = 30
_CHUNK: Final = 2000
"""Rows that one transaction of upkeep changes: pushes wait for it."""
_DAMAGED: Final = (
    "Put a backup in its place, or what `sqlite3 queue.db .recover` finds; what landed is in the landing zone. Without "
    "the file a new queue is made: what had not landed is lost then, unless its senders have it."
)
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS queue (id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS push (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    pipeline TEXT NOT NULL,
    source TEXT NOT NULL,
    key TEXT,
    digest BLOB NOT NULL,
    accepted REAL NOT NULL,
    items INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    landed TEXT,
    body BLOB
);
CREATE UNIQUE INDEX IF NOT EXISTS push_key ON push (pipeline, source, key) WHERE key IS NOT NULL;
CREATE INDEX IF NOT EXISTS push_place ON push (pipeline, source, seq, items);
CREATE INDEX IF NOT EXISTS push_waiting ON push (pipeline, source, seq) WHERE landed IS NULL;
CREATE INDEX IF NOT EXISTS push_done ON push (accepted) WHERE landed IS NOT NULL;
"""
_COLUMNS: Final = "seq, id, pipeline, source, key, digest, accepted, items, bytes, landed"


@dataclass(frozen=True, slots=True)
class Entry:
    """A request to be queued. `body`: its items, a JSON text a line; `digest`: SHA-256 of the body as it was sent."""

    id: str
    pipeline: str
    source: str
    key: str | None
    digest: bytes
    items: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Pushed:
    """A request in the queue. `accepted`: epoch seconds; `bytes`: of its items; `landed`: the batch that it is in."""

    seq: int
    id: str
    pipeline: str
    source: str
    key: str | None
    digest: bytes
    accepted: float
    items: int
    bytes: int
    landed: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What has not landed: requests, items, bytes, and since when the oldest waits (epoch seconds)."""

    requests: int = 0
    items: int = 0
    bytes: int = 0
    oldest: float | None = None


class KeyTaken(Exception):  # noqa: N818 - named after what happened
    """The idempotency key came before, with another body."""

    def __init__(self, before: Pushed) -> None:
        super().__init__(before.id)
        self.before = before


Outcome = Pushed | KeyTaken


def queue_path(root: Path) -> Path:
    """The queue of a project folder."""
    return root / ".octopipe" / "push" / "queue.db"


class QueueReader:
    """What is in a project's queue, for those that do not write it. A queue that nobody made yet is empty."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str | None:
        """The queue's own name: another one after the file was lost, so that positions in the lost one are not its."""
        with self._open() as connection:
            return None if connection is None else _id(connection)

    def waiting(self, pipeline: str, source: str, after: int = 0) -> Waiting:
        """What came after a position and has not landed."""
        with self._open() as connection:
            if connection is None:
                return Waiting()
            row = connection.execute(
                "SELECT count(*), coalesce(sum(items), 0), coalesce(sum(bytes), 0), min(accepted) FROM push "
                "WHERE pipeline = ? AND source = ? AND seq > ? AND landed IS NULL",
                (pipeline, source, after),
            ).fetchone()
        return Waiting(*row)

    def after(
        self, pipeline: str, source: str, seq: int, last: int | None = None
    ) -> Generator[tuple[Pushed, bytes], None, None]:
        """Each request after a position (up to `last`) with its items, oldest first; those that landed are left out."""
        query = (
            f"SELECT {_COLUMNS}, body FROM push WHERE pipeline = ? AND source = ? AND seq > ? AND seq <= ? "  # noqa: S608 - constants
            "AND landed IS NULL ORDER BY seq"
        )
        with self._open() as connection:
            if connection is not None:
                cursor = connection.execute(query, (pipeline, source, seq, last if last is not None else 2**62))
                for *row, body in cursor:
                    yield Pushed(*row), body

    def last(self, pipeline: str, source: str) -> int:
        """The newest position; 0 where nothing was ever pushed."""
        with self._open() as connection:
            return 0 if connection is None else _last(connection, pipeline, source)

    def get(self, pipeline: str, push_id: str) -> Pushed | None:
        query = f"SELECT {_COLUMNS} FROM push WHERE id = ? AND pipeline = ?"  # noqa: S608 - constants
        with self._open() as connection:
            row = None if connection is None else connection.execute(query, (push_id, pipeline)).fetchone()
        return Pushed(*row) if row else None

    def by_key(self, pipeline: str, source: str, key: str) -> Pushed | None:
        with self._open() as connection:
            return None if connection is None else _by_key(connection, pipeline, source, key)

    def items_between(self, pipeline: str, source: str, first: int, before: int) -> int:
        """How many items the requests from position `first` on, before `before`, have."""
        query = "SELECT coalesce(sum(items), 0) FROM push WHERE pipeline = ? AND source = ? AND seq >= ? AND seq < ?"
        with self._open() as connection:
            if connection is None:
                return 0
            return int(connection.execute(query, (pipeline, source, first, before)).fetchone()[0])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        if not self.path.is_file():
            yield None
            return
        with _errors(self.path), closing(_connect(self.path)) as connection:
            connection.execute("PRAGMA query_only = ON")
            yield connection if _made(connection) else None


class Queue:
    """The queue's one writer. Use it from one thread at a time. Raises LandingError where another process has it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        # One writer: only its connection checkpoints, and what it answered of a key holds for every later request.
        self._lock = FileLock(path.with_suffix(".lock"), timeout=0)
        try:
            self._lock.acquire()
        except Timeout:
            hint = "One `octopipe serve` runs for a project folder; those of several may push to one topic (`to:`)."
            raise LandingError("another server has the queue", where=str(path), hint=hint) from None
        with ExitStack() as undone:
            undone.callback(self._lock.release)
            with _errors(path):
                self._connection = _connect(path)
                undone.callback(self._connection.close)
                _refuse_damaged(self._connection, path)
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
                self._connection.executescript(_TABLES)
                if _id(self._connection) is None:
                    self._connection.execute("INSERT INTO queue VALUES (?)", (uuid4().hex[:12],))
                # Asked once: it looks through the whole index.
                self._places = set(self._connection.execute("SELECT DISTINCT pipeline, source FROM push"))
            undone.pop_all()

    @property
    def id(self) -> str:
        return str(_id(self._connection))

    def close(self) -> None:
        self._connection.close()
        self._lock.release()

    def append(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Queue requests, all or none of them; on the disk when this returns. One outcome each, in their order.

        One statement, which is its own transaction: between two statements other threads are waited for (the
        interpreter's lock is let go at each), and that took longer than the disk.
        """
        if not entries:
            return []
        now = time.time()
        values = [
            value
            for one in entries
            for value in (
                one.id, one.pipeline, one.source, one.key, one.digest, now, one.items, len(one.body), one.body,
            )
        ]  # fmt: skip
        with _errors(self.path):
            made = self._connection.execute(_insert(len(entries)), values)
        self._places.update({(one.pipeline, one.source) for one in entries})
        if made.rowcount == len(entries):
            first = int(made.lastrowid or 0) - len(entries) + 1
            return [
                Pushed(
                    first + place, one.id, one.pipeline, one.source, one.key, one.digest, now, one.items,
                    len(one.body), None,
                )
                for place, one in enumerate(entries)
            ]  # fmt: skip
        with _errors(self.path):
            return [self._became(one) for one in entries]

    def _became(self, entry: Entry) -> Outcome:
        """What became of a request where a key of its group came before."""
        query = f"SELECT {_COLUMNS} FROM push WHERE id = ?"  # noqa: S608 - constants
        row = self._connection.execute(query, (entry.id,)).fetchone()
        if row is not None:
            return Pushed(*row)
        before = _by_key(self._connection, entry.pipeline, entry.source, str(entry.key))
        assert before is not None
        return before if before.digest == entry.digest else KeyTaken(before)

    def sources(self) -> list[tuple[str, str]]:
        """(pipeline, source) of all that was pushed and is still known."""
        return sorted(self._places)

    def land(self, pipeline: str, source: str, first: int, last: int, batch: str) -> int:
        """Note that the requests of these positions are in a landed batch, and let their items go; the bytes freed."""
        at, freed = first - 1, 0
        while True:
            with self._transaction():
                found, size = self._connection.execute(
                    "SELECT max(seq), sum(CASE WHEN landed IS NULL THEN bytes ELSE 0 END) FROM (SELECT seq, landed, "
                    "bytes FROM push WHERE pipeline = ? AND source = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?)",
                    (pipeline, source, at, last, _CHUNK),
                ).fetchone()
                if found is None:
                    return freed
                self._connection.execute(
                    "UPDATE push SET landed = ?, body = NULL WHERE pipeline = ? AND source = ? AND seq > ? "
                    "AND seq <= ? AND landed IS NULL",
                    (batch, pipeline, source, at, found),
                )
                at, freed = found, freed + size

    def mark(self, landed: Mapping[int, str]) -> None:
        """Note of requests, by their positions, where they are now, and let their items go."""
        if landed:
            with self._transaction():
                self._connection.executemany(
                    "UPDATE push SET landed = ?, body = NULL WHERE seq = ?",
                    [(where, seq) for seq, where in landed.items()],
                )

    def landed_to(self, pipeline: str, source: str) -> tuple[int, str | None]:
        """The newest position that is noted as landed, with its batch."""
        row = self._connection.execute(
            "SELECT seq, landed FROM push WHERE pipeline = ? AND source = ? AND landed IS NOT NULL "
            "ORDER BY seq DESC LIMIT 1",
            (pipeline, source),
        ).fetchone()
        return (int(row[0]), str(row[1])) if row else (0, None)

    def forget(self, before: float) -> int:
        """Forget requests accepted before a moment that landed, at most some thousands; how many."""
        with self._transaction():
            found = self._connection.execute(
                "DELETE FROM push WHERE seq IN "
                "(SELECT seq FROM push WHERE landed IS NOT NULL AND accepted < ? ORDER BY accepted LIMIT ?)",
                (before, _CHUNK),
            )
            return int(found.rowcount)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


@cache
def _insert(rows: int) -> str:
    """What inserts so many requests; those whose key is taken are left out."""
    values = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?)"] * rows)
    return (
        f"INSERT INTO push (id, pipeline, source, key, digest, accepted, items, bytes, body) VALUES {values} "  # noqa: S608 - placeholders
        "ON CONFLICT (pipeline, source, key) WHERE key IS NOT NULL DO NOTHING"
    )


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _refuse_damaged(connection: sqlite3.Connection, path: Path) -> None:
    """Raises LandingError for a file in which pages are not what they were: SQLite itself may read past them, and then
    what was acknowledged would be missing without a word. A second for each GB."""
    [(said,)] = connection.execute("PRAGMA quick_check(1)")
    if said != "ok":
        raise LandingError(f"the queue is damaged: {str(said).splitlines()[-1]}", where=str(path), hint=_DAMAGED)


def _made(connection: sqlite3.Connection) -> bool:
    tables: Iterable[tuple[int]] = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'push'")
    return next(iter(tables), None) is not None


def _id(connection: sqlite3.Connection) -> str | None:
    row = connection.execute("SELECT id FROM queue").fetchone()
    return str(row[0]) if row else None


def _last(connection: sqlite3.Connection, pipeline: str, source: str) -> int:
    query = "SELECT coalesce(max(seq), 0) FROM push WHERE pipeline = ? AND source = ?"
    return int(connection.execute(query, (pipeline, source)).fetchone()[0])


def _by_key(connection: sqlite3.Connection, pipeline: str, source: str, key: str) -> Pushed | None:
    query = f"SELECT {_COLUMNS} FROM push WHERE pipeline = ? AND source = ? AND key = ?"  # noqa: S608 - constants
    row = connection.execute(query, (pipeline, source, key)).fetchone()
    return Pushed(*row) if row else None


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """What SQLite says of the queue as a LandingError."""
    try:
        yield
    except sqlite3.Error as error:
        damaged = getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
        hint = _DAMAGED if damaged else "Look at the disk's room and the folder's rights: octopipe doctor"
        raise LandingError(f"the queue cannot be used: {error}", where=str(path), hint=hint) from error
