"""Which files landed before, by name, size and checksum, so that only new ones land."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from octo_core.batch import Batch


@dataclass(frozen=True, slots=True)
class Seen:
    """Of every path what landed from it last: (size, mtime, checksum); and of every checksum the paths it came from."""

    by_path: dict[str, tuple[int, int, str]]
    by_checksum: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, history: Iterable[Batch]) -> "Seen":
        """`history`: batches, oldest first."""
        by_path: dict[str, tuple[int, int, str]] = {}
        by_checksum: dict[str, tuple[str, ...]] = {}
        for batch in history:
            for file in batch.files:
                at = file.position
                path, checksum = str(at["path"]), str(at["sha256"])
                by_path[path] = (int(at["bytes"]), int(at["modified_ns"]), checksum)
                by_checksum[checksum] = (*by_checksum.get(checksum, ()), path)
        return cls(by_path, by_checksum)

    def unchanged(self, path: Path, size: int, modified_ns: int) -> bool:
        """The fast way: the same name, size and modification time as when it landed."""
        known = self.by_path.get(str(path))
        return known is not None and known[:2] == (size, modified_ns)

    def known(self, path: Path, checksum: str) -> bool:
        """The sure way: the content landed from this path last, or from a path that is no more (it was renamed)."""
        known = self.by_path.get(str(path))
        if known is not None:
            return known[2] == checksum
        return any(not Path(one).exists() for one in self.by_checksum.get(checksum, ()))
