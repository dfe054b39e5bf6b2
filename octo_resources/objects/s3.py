"""S3 by boto3: credentials and region from its usual chain, any endpoint."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from octo_core.errors import NotSupportedYet
from octo_resources.objects.store import Object, StoreError
from octo_resources.redaction import redact

_PART: Final = 16 << 20
_PARTS_AT_ONCE: Final = 4
_CHUNK: Final = 1 << 20
_PATIENCE: Final = 5
"""How often a download that breaks off without having brought anything is taken up again."""
_DELETED_AT_ONCE: Final = 1000
_REASONS: Final = {
    "NoSuchBucket": ("there is no such bucket", "Make the bucket, or look at the address; Octopipe never makes one."),
    "AccessDenied": ("access is denied", "The role needs s3:ListBucket, GetObject, PutObject and DeleteObject there."),
    "403": ("access is denied", "The role needs s3:ListBucket, GetObject, PutObject and DeleteObject there."),
    "InvalidAccessKeyId": ("the access key is unknown there", "Look at AWS_ACCESS_KEY_ID, and at AWS_ENDPOINT_URL."),
    "SignatureDoesNotMatch": ("the secret key is wrong", "Look at AWS_SECRET_ACCESS_KEY."),
    "InvalidToken": ("the session's token is none of its", "Log in again, or look at AWS_SESSION_TOKEN."),
    "ExpiredToken": ("the session has expired", "Log in again, or refresh AWS_SESSION_TOKEN."),
    "PermanentRedirect": ("the bucket is in another region", "Set AWS_REGION to the bucket's."),
    "AuthorizationHeaderMalformed": ("the bucket is in another region", "Set AWS_REGION to the bucket's."),
    "InvalidBucketName": ("that is no bucket's name", "Look at the address."),
    "PreconditionFailed": ("the object was written over while it was read", "Run it again."),
    "404": ("there is no such object or bucket", "Look at the address, and at AWS_ENDPOINT_URL."),
    "NoSuchKey": ("there is no such object", "Somebody took it away; extract again."),
    "SlowDown": ("it is asked too much at once", "Run it again a little later."),
}
_LOST: Final = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409", "NoSuchKey"})
"""Answers to a conditional write that another one was faster than."""
_PASSING: Final = frozenset({"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "PreconditionFailed"})
_SERVERS_OWN: Final = 500
"""From this status on it is the server's, or its proxy's, own trouble."""

PATIENCE: tuple[float, int] = (30, 4)
"""Seconds without a byte of an answer, and how often a request is sent again: two and a half minutes in all."""


@lru_cache(maxsize=8)
def _client(endpoint: str | None, _environment: tuple[str | None, ...]) -> Any:
    """One client for a whole process: it is safe for threads, and holds a pool of connections."""
    try:
        import boto3
        import botocore.session
        from botocore.config import Config
    except ImportError as error:
        raise NotSupportedYet("the package 'boto3' is not installed", hint="pip install 'octopipe[aws]'") from error
    style = {"addressing_style": "path"} if endpoint else {}
    config = Config(
        retries={"mode": "standard", "max_attempts": PATIENCE[1]}, connect_timeout=10, read_timeout=PATIENCE[0],
        s3=style, max_pool_connections=16,
    )  # fmt: skip
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    own = botocore.session.get_session()
    own.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
    session = boto3.session.Session(botocore_session=own)
    return session.client(
        "s3", endpoint_url=endpoint, config=config, region_name=region or session.region_name or "us-east-1"
    )


def _moment(value: Any) -> datetime:
    """A time in an answer. boto's own way, by dateutil, takes a third of the time of a long listing."""
    if isinstance(value, str) and value[:4].isdigit() and value.endswith("Z"):
        return datetime.fromisoformat(value)
    from botocore.utils import parse_timestamp

    found: datetime = parse_timestamp(value)
    return found


class S3Store:
    """A bucket and a prefix."""

    def __init__(self, bucket: str, prefix: str, endpoint: str | None = None) -> None:
        self._bucket, self.prefix = bucket, prefix
        self.endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")

    @property
    def address(self) -> str:
        return f"s3://{self._bucket}/{self.prefix}".rstrip("/")

    @property
    def region(self) -> str:
        return str(self._s3.meta.region_name)

    @property
    def _s3(self) -> Any:
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION")
        with self._explained(""):
            return _client(self.endpoint, tuple(os.environ.get(name) for name in names))

    def objects(self, prefix: str) -> Iterator[Object]:
        with self._explained(prefix):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for page in pages:
                for one in page.get("Contents", ()):
                    yield Object(one["Key"], int(one["Size"]), one["ETag"].strip('"'), one["LastModified"])

    def folders(self, prefix: str) -> list[str]:
        with self._explained(prefix):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix, Delimiter="/"
            )
            found = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", ())]
        return [name.removeprefix(prefix).rstrip("/") for name in found]

    def read(self, key: str) -> tuple[bytes, str] | None:
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=key)
            with closing(found["Body"]) as body:
                return body.read(), found["ETag"].strip('"')
        except Exception as error:
            if _code(error) in ("NoSuchKey", "404"):
                return None
            raise self._said(error, key) from error

    def write(self, key: str, body: bytes, *, only_new: bool = False, only_over: str | None = None) -> str | None:
        asked = {"IfNoneMatch": "*"} if only_new else {"IfMatch": f'"{only_over}"'} if only_over else {}
        try:
            found = self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ChecksumAlgorithm="SHA256", **asked)
            return str(found["ETag"]).strip('"')
        except Exception as error:
            if asked and _code(error) in _LOST:
                return None
            raise self._said(error, key) from error

    def upload(self, path: Path, key: str) -> None:
        with self._explained(key):
            self._s3.upload_file(
                str(path), self._bucket, key, ExtraArgs={"ChecksumAlgorithm": "SHA256"}, Config=_transfer()
            )

    def download(self, key: str, path: Path, only: Object | None = None) -> None:
        part = path.with_name(f".{path.name}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._explained(key):
                if only is None:
                    self._s3.download_file(self._bucket, key, str(part), Config=_transfer())
                else:
                    self._version(only, part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _version(self, one: Object, path: Path) -> None:
        """boto's own download takes no condition: each part of this one is of the version that was listed."""
        firsts = range(0, one.size, _PART)
        with path.open("wb") as file:
            if len(firsts) > 1:
                with ThreadPoolExecutor(min(_PARTS_AT_ONCE, len(firsts))) as pool:
                    list(pool.map(lambda first: self._part(one, first, file.fileno()), firsts))
            elif firsts:
                self._part(one, 0, file.fileno())

    def _part(self, one: Object, first: int, file: int) -> None:
        """One part into its place of a file; what breaks off goes on where it was."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        at, last, left = first, min(first + _PART, one.size), _PATIENCE
        while at < last:
            began = at
            try:
                found = self._s3.get_object(
                    Bucket=self._bucket, Key=one.key, IfMatch=f'"{one.etag}"', Range=f"bytes={at}-{last - 1}"
                )
                with closing(found["Body"]) as body:
                    for chunk in body.iter_chunks(_CHUNK):
                        at += os.pwrite(file, chunk, at)
            except (HTTPClientError, IncompleteReadError):
                left = _PATIENCE if at > began else left - 1
                if left == 0:
                    raise

    def end(self, key: str, count: int) -> tuple[bytes, int]:
        with self._explained(key):
            found = self._s3.get_object(Bucket=self._bucket, Key=key, Range=f"bytes=-{count}")
            with closing(found["Body"]) as body:
                data = body.read()
            return data, int(found["ContentRange"].rpartition("/")[2]) if "ContentRange" in found else len(data)

    def abandon_uploads(self, prefix: str, before: datetime | None = None) -> int:
        with self._explained(prefix):
            pages = self._s3.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=prefix)
            found = [
                (one["Key"], one["UploadId"])
                for page in pages
                for one in page.get("Uploads", ())
                if one["Key"].startswith(prefix) and (before is None or one["Initiated"] < before)
            ]
            for key, upload in found:
                self._s3.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)
        return len(found)

    def delete(self, keys: list[str]) -> None:
        for first in range(0, len(keys), _DELETED_AT_ONCE):
            part = [{"Key": key} for key in keys[first : first + _DELETED_AT_ONCE]]
            with self._explained(self.prefix):
                self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": part, "Quiet": True})

    def now(self) -> datetime:
        with self._explained(self.prefix):
            found = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=self.prefix, MaxKeys=1)
        date = found["ResponseMetadata"]["HTTPHeaders"].get("date")
        return parsedate_to_datetime(date) if date else datetime.now(UTC)

    @contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            said = self._said(error, key)
            if said is None:
                raise
            raise said from error

    def _said(self, error: Exception, key: str) -> Any:
        """The StoreError for what boto says; the error itself where it is none of boto's."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        where = f"s3://{self._bucket}/{key}"
        if isinstance(error, ClientError | Boto3Error):
            code = _code(error)
            reason, hint = _REASONS.get(code, (redact(str(error)).splitlines()[0], None))
            passing = code in _PASSING or _status(error) >= _SERVERS_OWN
            return StoreError(f"S3: {reason}", where=where, hint=hint, retryable=passing, gone=code == "NoSuchKey")
        if isinstance(error, BotoCoreError):
            kind = type(error).__name__
            if kind in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"):
                hint = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the machine a role."
                return StoreError("S3: there are no credentials", where=where, hint=hint)
            if kind in ("EndpointConnectionError", "ConnectTimeoutError", "InvalidEndpointError", "SSLError"):
                told = f"S3: nothing answers at {self.endpoint or 'its usual address'}"
                return StoreError(told, where=where, hint="Look at AWS_ENDPOINT_URL and AWS_REGION.", retryable=True)
            if kind == "ReadTimeoutError":
                told = f"S3: {self.endpoint or 'its usual address'} takes requests and does not answer them"
                return StoreError(
                    told, where=where, hint="Is the server overloaded, or a proxy in between?", retryable=True
                )
            return StoreError(f"S3: {redact(str(error)).splitlines()[0]}", where=where, retryable=True)
        return error if isinstance(error, StoreError) else None


def _code(error: BaseException) -> str:
    return str(_response(error).get("Error", {}).get("Code", ""))


def _status(error: BaseException) -> int:
    """The answer's status, which a proxy's page has too; 0 where there was none."""
    return int(_response(error).get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)


def _response(error: BaseException) -> dict[str, Any]:
    return getattr(error, "response", None) or getattr(error.__context__, "response", None) or {}


@lru_cache(maxsize=1)
def _transfer() -> Any:
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART, max_concurrency=4)
