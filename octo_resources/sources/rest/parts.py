"""Pages on their way into a batch: records in compressed parts of about 64 MB, with where each page came from."""

from pathlib import Path
from typing import Any, Final

from octo_core.batch import Batch, LandedFile
from octo_core.spec.sources import FileOptions
from octo_resources.landing.disk import landing_errors
from octo_resources.sources.compressed import ZstdFile
from octo_resources.sources.file.dialect import find_dialect
from octo_resources.sources.rest.address import clean, shown
from octo_resources.sources.rest.page import Page

PART_BYTES: Final = 64_000_000
_SAMPLE = 256_000


class Parts:
    """Files of one batch in the making. `rows` and `bytes` (bodies as they came, decompressed) count all pages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[LandedFile] = []
        self._open: ZstdFile | None = None
        self._pages: list[dict[str, Any]] = []
        self.rows = 0
        self.size = 0

    def add(self, page: Page) -> None:
        """Writes a page's records. Raises LandingError where the disk refuses."""
        self.size += len(page.answer.body)
        with landing_errors(self._folder):
            if page.kind == "csv":
                self._add_csv(page)
                return
            self.rows += page.count
            part = self._part("jsonl")
            if page.rows:
                part.write(b"\n".join(page.rows) + b"\n", page.count)
            self._pages.append(_origin(page, page.count))
            if part.raw_bytes >= PART_BYTES:
                self._close("jsonl")

    def finish(self) -> tuple[LandedFile, ...]:
        """All files, on the disk. A batch of no records has one empty part."""
        with landing_errors(self._folder):
            if self._open is not None or not self._files:
                self._part("jsonl")
                self._close("jsonl")
        return tuple(self._files)

    @property
    def has_csv(self) -> bool:
        """Whether pages came as CSV, whose rows are not counted here."""
        return any(file.format == "csv" for file in self._files)

    def abandon(self) -> None:
        if self._open is not None:
            self._open.abandon()

    def _part(self, ending: str) -> ZstdFile:
        if self._open is None:
            self._open = ZstdFile(self._folder / f"part-{len(self._files):05d}.{ending}.zst")
        return self._open

    def _close(self, ending: str) -> None:
        assert self._open is not None
        done = self._open.close()
        self._open = None
        self._files.append(
            LandedFile(
                path=f"part-{len(self._files):05d}.{ending}.zst",
                format="jsonl",
                compression="zstd",
                bytes=done.bytes,
                sha256=done.sha256,
                rows=done.rows,
                position={"raw_bytes": done.raw_bytes, "pages": self._pages},
            )
        )
        self._pages = []

    def _add_csv(self, page: Page) -> None:
        """Each CSV page is a file of its own, because each has its own header."""
        text = page.csv or ""
        if not text.strip():
            return
        part = self._part("csv")
        part.write(text.encode())
        self._pages.append(_origin(page, None))
        self._close("csv")
        dialect = find_dialect(text[:_SAMPLE], FileOptions(), "utf-8", len(text) <= _SAMPLE)
        self._files[-1] = self._files[-1].model_copy(update={"format": "csv", "rows": None, "dialect": dialect})


def _origin(page: Page, rows: int | None) -> dict[str, Any]:
    """Where a page came from, for its manifest: nothing secret, and enough to find it again."""
    answer = page.answer
    kept = {"etag": "etag", "last-modified": "last_modified", "date": "date"}
    headers = {key: clean(answer.headers[name]) for name, key in kept.items() if name in answer.headers}
    listed = {"list": page.path} if page.path is not None else {}
    return {
        "address": shown(answer.url), "sha256": answer.sha256, "bytes": len(answer.body), "rows": rows,
        **listed, **headers,
    }  # fmt: skip


def listed_at(batch: Batch | None) -> str | None:
    """Where in its answers a batch's records stood, or None."""
    pages = [page for file in (batch.files if batch else ()) for page in file.position.get("pages", ())]
    return next((page["list"] for page in pages if page.get("rows") and "list" in page), None)
