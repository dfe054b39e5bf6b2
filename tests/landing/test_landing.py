"""Batches on the disk: they appear whole, stay verifiable, and retention forgets files but not facts."""

import hashlib
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from octo_core.batch import Batch, LandedFile
from octo_core.errors import LandingError
from octo_resources.landing import Landing
from octo_resources.landing.disk import write_durably
from octo_resources.landing.ulid import is_ulid, new_ulid


def land(landing: Landing, text: bytes = b'{"a":1}\n', cursor_to: str | None = None) -> Batch:
    with landing.lock("flights", "api"), landing.begin("flights", "api") as writer:
        write_durably(writer.folder / "part-00000.jsonl", text)
        file = LandedFile(
            path="part-00000.jsonl",
            format="jsonl",
            bytes=len(text),
            sha256=hashlib.sha256(text).hexdigest(),
            rows=1,
        )
        return writer.commit((file,), landing="copy", rows=1, size=len(text), cursor_to=cursor_to)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def test_ids_sort_by_time_even_if_the_clock_was_set_back() -> None:
    far = "7ZZZZZZZZZ" + "0" * 16
    assert new_ulid(far) > far
    ids = [new_ulid()]
    for _ in range(200):
        ids.append(new_ulid(ids[-1]))
    assert ids == sorted(set(ids))
    assert all(map(is_ulid, ids))


def test_a_landed_batch_is_read_back_as_it_was_made(landing: Landing) -> None:
    made = land(landing, cursor_to="7")
    assert landing.batches("flights", "api") == [made]
    assert landing.newest("flights", "api") == landing.get("flights", "api", made.id) == made
    assert landing.open_file(made, made.files[0]).read_bytes() == b'{"a":1}\n'
    landing.verify(made)


def test_batches_come_oldest_first(landing: Landing) -> None:
    made = [land(landing).id for _ in range(5)]
    assert [batch.id for batch in landing.batches("flights", "api")] == made


def test_nothing_landed_is_no_error(landing: Landing) -> None:
    assert landing.batches("flights", "api") == []
    assert landing.newest("flights", "api") is None
    assert not landing.root.exists()


def test_an_uncommitted_batch_leaves_nothing(landing: Landing) -> None:
    with landing.begin("flights", "api") as writer:
        write_durably(writer.folder / "x", b"x")
    assert landing.batches("flights", "api") == []
    assert list(landing.folder("flights", "api").iterdir()) == []


def test_a_killed_extraction_leaves_no_batch_and_its_rest_is_swept(landing: Landing) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from octo_resources.landing import Landing\n"
        "landing = Landing(Path(sys.argv[1]))\n"
        "with landing.lock('flights', 'api'), landing.begin('flights', 'api') as writer:\n"
        "    (writer.folder / 'part-00000.jsonl').write_bytes(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(landing.root)], check=False)
    assert done.returncode == -9
    folder = landing.folder("flights", "api")
    assert len(list(folder.glob(".tmp-*"))) == 1
    assert landing.batches("flights", "api") == []
    made = land(landing)
    assert list(folder.glob(".tmp-*")) == []
    assert [batch.id for batch in landing.batches("flights", "api")] == [made.id]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(b'{"a":2}\n'), "checksum differs"),
        (lambda path: path.write_bytes(b'{"a":10}\n'), "9 bytes, landed were 8"),
        (lambda path: path.unlink(), "missing"),
    ],
)
def test_verify_names_the_file_that_differs(landing: Landing, spoil, said: str) -> None:  # type: ignore[no-untyped-def]
    batch = land(landing)
    path = landing.open_file(batch, batch.files[0])
    spoil(path)
    with pytest.raises(LandingError, match=said) as caught:
        landing.verify(batch)
    assert caught.value.where == str(path)
    assert "octopipe run flights" in (caught.value.hint or "")


def test_a_damaged_manifest_is_an_error_that_names_it(landing: Landing) -> None:
    path = Path(land(landing).folder) / "manifest.json"
    path.write_text('{"version": 1')
    with pytest.raises(LandingError, match="damaged") as caught:
        landing.batches("flights", "api")
    assert caught.value.where == str(path)


def test_an_unknown_batch_is_an_error(landing: Landing) -> None:
    land(landing)
    for wrong in (new_ulid(), "../..", ""):
        with pytest.raises(LandingError, match="not in the landing zone"):
            landing.get("flights", "api", wrong)


def test_two_extractions_of_one_source_exclude_each_other(landing: Landing) -> None:
    with landing.lock("flights", "api"):
        with landing.lock("flights", "other", timedelta(0)):
            pass
        with pytest.raises(LandingError, match="another extraction"), landing.lock("flights", "api", timedelta(0)):
            pass
    with landing.lock("flights", "api", timedelta(0)):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(LandingError, match="permission denied"):
        land(Landing(tmp_path / "landing"))


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "landing").write_text("")
    with pytest.raises(LandingError, match="a file stands where a folder should be"):
        land(Landing(tmp_path / "landing"))


def test_a_full_disk_is_said_so(landing: Landing) -> None:
    with landing.begin("flights", "api") as writer:
        (writer.folder / "manifest.json").symlink_to("/dev/full")
        with pytest.raises(LandingError, match="disk is full"):
            writer.commit((), landing="copy")
    assert landing.batches("flights", "api") == []


def test_retention_takes_old_files_and_keeps_the_newest_and_the_kept(landing: Landing) -> None:
    first, second, third, newest = (land(landing, cursor_to=str(n)) for n in range(4))
    would = landing.clean(timedelta(0), [second.id], dry_run=True)
    assert would.batches == (first.id, third.id)
    assert len(landing.batches("flights", "api")) == 4
    assert landing.clean(timedelta(0), [second.id]) == would
    assert [batch.id for batch in landing.batches("flights", "api")] == [second.id, newest.id]
    assert [batch.cursor_to for batch in landing.history("flights", "api")] == ["0", "1", "2", "3"]
    assert not landing.open_file(first, first.files[0]).exists()
    with pytest.raises(LandingError, match="cleaned away"):
        landing.get("flights", "api", first.id)


def test_retention_keeps_within_max_bytes(landing: Landing) -> None:
    made = [land(landing, b'{"a":1}\n' * 1000) for _ in range(4)]
    gone = landing.clean(timedelta(days=1), max_bytes=22_000)
    assert gone.batches == (made[0].id, made[1].id)
    assert gone.bytes == 16_000


def test_a_clean_that_was_killed_half_way_is_finished_by_the_next(landing: Landing) -> None:
    first = land(landing)
    land(landing)
    folder = Path(first.folder)
    (folder / "manifest.json").rename(folder / "cleaned.json")
    landing.clean(timedelta(days=1))
    assert [path.name for path in folder.iterdir()] == ["cleaned.json"]


def test_names_cannot_leave_the_landing_zone(landing: Landing) -> None:
    assert landing.root in landing.folder("..", "../../etc").resolve().parents
