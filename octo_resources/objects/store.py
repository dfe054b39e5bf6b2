"""What Octopipe asks of an object store; S3 is the one that is built."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from octo_core.errors import NotSupportedYet, UsageError


@dataclass(frozen=True, slots=True)
class Object:
    """One object as a listing says it. `key` is the whole key; `etag` has no quotes."""

    key: str
    size: int
    etag: str
    modified: datetime


class StoreError(Exception):
    """What the store refused: in words, what to do, and whether another try might pass. No secret is in it.

    `gone`: the object is not there.
    """

    def __init__(
        self, message: str, *, where: str, hint: str | None = None, retryable: bool = False, gone: bool = False
    ) -> None:
        super().__init__(message)
        self.message, self.where, self.hint, self.retryable, self.gone = message, where, hint, retryable, gone


class ObjectStore(Protocol):
    """A bucket and a prefix in it; keys are whole. Every method raises StoreError."""

    @property
    def address(self) -> str:
        """For people, such as `s3://bucket/prefix`."""
        ...

    @property
    def endpoint(self) -> str | None:
        """Its own address, where it is not the provider's usual one."""
        ...

    @property
    def region(self) -> str: ...

    @property
    def prefix(self) -> str:
        """Empty, or ends with `/`."""
        ...

    def objects(self, prefix: str) -> Iterator[Object]:
        """All objects below a prefix, in the order of their keys, page by page."""
        ...

    def folders(self, prefix: str) -> list[str]:
        """The names between a prefix and the next `/`."""
        ...

    def read(self, key: str) -> tuple[bytes, str] | None:
        """(body, etag) of a small object; None where there is none."""
        ...

    def write(self, key: str, body: bytes, *, only_new: bool = False, only_over: str | None = None) -> str | None:
        """Its etag; None where `only_new` found one there, or `only_over` another etag than that."""
        ...

    def upload(self, path: Path, key: str) -> None:
        """A file of any size, in parts where it is big, each with its checksum."""
        ...

    def download(self, key: str, path: Path, only: Object | None = None) -> None:
        """Into a file, in parts where it is big; with `only` that version of it, as it was listed."""
        ...

    def end(self, key: str, count: int) -> tuple[bytes, int]:
        """The last bytes of an object, all of them where it is shorter; and how many it has."""
        ...

    def abandon_uploads(self, prefix: str, before: datetime | None = None) -> int:
        """Take away the parts of uploads below a prefix that never ended (all of them, or those begun `before`); how
        many. Parts of an upload are in no listing of objects, and are paid for."""
        ...

    def delete(self, keys: list[str]) -> None: ...

    def now(self) -> datetime:
        """The store's own clock."""
        ...


def split_address(address: str) -> tuple[str, str]:
    """(bucket, key or prefix) of s3://bucket/prefix. Raises UsageError."""
    scheme, _, rest = address.partition("://")
    if scheme in ("gs", "az", "abfs"):
        raise NotSupportedYet(f"{scheme}:// is not supported yet", where="path", hint="Built is s3://.")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise UsageError(
            f"{address!r} is no address of an object store", where="path", hint="Write s3://BUCKET/PREFIX."
        )
    return bucket, key


def open_store(address: str, endpoint: str | None = None) -> ObjectStore:
    """The store at an address. Nothing is asked of it yet."""
    from octo_resources.objects.s3 import S3Store  # boto3: 0.3 s

    bucket, prefix = split_address(address)
    return S3Store(bucket, prefix.strip("/") + "/" if prefix.strip("/") else "", endpoint)
