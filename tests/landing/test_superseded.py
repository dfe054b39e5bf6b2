"""A file that went away before its batch was loaded holds a pipeline up until somebody reads all that is there."""

from datetime import UTC, datetime
from pathlib import Path

from octo_core.batch import Batch, LandedFile
from octo_resources.landing.superseded import without_superseded


def batch(name: str, paths: list[Path], *, full: bool) -> Batch:
    files = tuple(LandedFile(path=str(path), format="jsonl", bytes=1, sha256=path.name) for path in paths)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Batch(id=name, pipeline="p", source="s", made_at=at, landing="reference", files=files, full=full)


def test_what_is_gone_is_left_out_with_a_note_once_all_was_read_again(tmp_path: Path) -> None:
    there, gone = tmp_path / "there.jsonl", tmp_path / "gone.jsonl"
    there.touch()
    first = batch("01", [there, gone], full=True)
    assert without_superseded([first, batch("02", [], full=False)])[0] == first
    left = without_superseded([first, batch("03", [there], full=True)])[0]
    assert [file.path for file in left.files] == [str(there)]
    assert left.notes == (f"{gone} went away before batch 01 was loaded; should it come back: run --full",)
