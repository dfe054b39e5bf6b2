"""How many bytes the landing zone holds, without looking at every file of every batch each time.

Asked before every extraction, of zones with a thousand sources and hundreds of batches each. A source's sum is kept in
its folder with the folder's time, which changes with every batch that is made; who takes files of a batch away calls
`forget_usage`.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

USAGE = ".used"


def used(root: Path) -> int:
    """Bytes of all files under a landing zone; 0 where nothing landed yet."""
    sources = [source for pipeline in _folders(root) for source in _folders(Path(pipeline.path))]
    return sum(_of_source(Path(source.path)) for source in sources)


def forget_usage(source: Path) -> None:
    """The files of one of this source's batches are no longer what they were."""
    (source / USAGE).unlink(missing_ok=True)


def _of_source(source: Path) -> int:
    kept = source / USAGE
    try:
        changed, total = json.loads(kept.read_bytes())
        if changed == source.stat().st_mtime_ns:
            return int(total)
    except (OSError, ValueError, TypeError):
        pass  # never counted, or another process counts or cleans at this moment
    with suppress(OSError):  # where the zone may only be read, it is counted each time
        kept.touch()  # made before the folder's time is taken, which that changes
        changed = source.stat().st_mtime_ns
        total = _walked(source)
        kept.write_text(json.dumps([changed, total]))
        return int(total)
    return _walked(source)


def _walked(source: Path) -> int:
    total, folders = 0, [str(source)]
    while folders:
        with suppress(FileNotFoundError), os.scandir(folders.pop()) as found:  # another process may be cleaning
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.name != USAGE:
                    with suppress(FileNotFoundError):
                        total += entry.stat(follow_symlinks=False).st_size
    return total


def _folders(path: Path) -> Iterator[os.DirEntry[str]]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(path) as found:
        yield from (entry for entry in found if entry.is_dir(follow_symlinks=False))
