"""A landing zone in S3: what one machine lands another loads; the manifest is the commit; one extraction at a time."""

import json
import random
import socket
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from octo_core.batch import Batch, LandedFile
from octo_core.errors import LandingError
from octo_resources.landing import Landing
from octo_resources.landing.disk import sha256_of
from octo_resources.landing.lease import Lease
from octo_resources.landing.remote import RemoteLanding
from octo_resources.objects import StoreError, open_store
from octo_resources.objects.s3 import S3Store
from tests.servers.s3 import S3Server, breaking

SOON = timedelta(seconds=0.2)


def zone(bucket: str, mirror: Path) -> RemoteLanding:
    """The landing zone as a machine sees it whose mirror is that folder."""
    return RemoteLanding(open_store(f"s3://{bucket}/zone"), mirror)


def landed(landing: Landing, text: bytes = b'{"id": 1}\n', *, off: bool = False) -> Batch:
    with landing.lock("p", "s"), landing.begin("p", "s") as writer:
        path = writer.folder / "part-00000.jsonl"
        path.write_bytes(text)
        file = LandedFile(path=path.name, format="jsonl", bytes=len(text), sha256=sha256_of(path), rows=1)
        return writer.commit((file,), landing="off" if off else "copy", size=len(text), cursor_to="5")


def test_what_one_machine_lands_another_reads(s3: S3Server, tmp_path: Path) -> None:
    bucket = s3.bucket()
    here, there = zone(bucket, tmp_path / "a"), zone(bucket, tmp_path / "b")
    batch = landed(here, b'{"id": 1}\n' * 2_000_000)  # more than one part of an upload
    (found,) = there.batches("p", "s")
    assert found.model_copy(update={"folder": ""}) == batch.model_copy(update={"folder": ""})
    there.verify(found)
    assert there.open_file(found, found.files[0]).stat().st_size == 20_000_000
    assert there.sources() == [("p", "s")]
    assert there.used() > 20_000_000


def test_a_file_that_changed_in_the_store_is_refused(s3: S3Server, tmp_path: Path) -> None:
    bucket = s3.bucket()
    batch = landed(zone(bucket, tmp_path / "a"))
    s3.put(bucket, f"zone/p/s/{batch.id}/part-00000.jsonl", b'{"id": 2}\n')
    there = zone(bucket, tmp_path / "b")
    with pytest.raises(LandingError, match="checksum differs"):
        there.verify(there.batches("p", "s")[0])


def test_without_a_manifest_there_is_no_batch_and_the_next_sweeps_it(s3: S3Server, tmp_path: Path) -> None:
    bucket = s3.bucket()
    landing = zone(bucket, tmp_path / "a")
    s3.put(bucket, "zone/p/s/01ARZ3NDEKTSV4RRFFQ69G5FAV/part-00000.jsonl", b"{}\n")  # of one that was killed
    assert landing.batches("p", "s") == []
    batch = landed(landing)
    assert s3.names(bucket) == [f"zone/p/s/{batch.id}/manifest.json", f"zone/p/s/{batch.id}/part-00000.jsonl"]


def test_parts_of_an_upload_that_never_ended_are_swept_too(s3: S3Server, tmp_path: Path) -> None:
    bucket = s3.bucket()
    for key in ("zone/p/s/01ARZ3NDEKTSV4RRFFQ69G5FAV/part-00000.jsonl", "zone/p/other/of-somebody-else"):
        begun = s3.client.create_multipart_upload(Bucket=bucket, Key=key)
        s3.client.upload_part(Bucket=bucket, Key=key, UploadId=begun["UploadId"], PartNumber=1, Body=b"{}" * 3_000_000)
    landed(zone(bucket, tmp_path / "a"))
    left = s3.client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [one["Key"] for one in left] == ["zone/p/other/of-somebody-else"]


def test_a_download_that_breaks_off_goes_on_where_it_was(s3: S3Server, tmp_path: Path) -> None:
    bucket, body = s3.bucket(), random.Random(7).randbytes(20_000_000)  # two parts
    s3.put(bucket, "in/big", body)
    with breaking(s3, 5_000_000) as (address, given):
        store = open_store(f"s3://{bucket}", address)
        (one,) = store.objects("in/")
        store.download(one.key, tmp_path / "big", one)
        s3.put(bucket, "in/big", body[1:])
        with pytest.raises(StoreError, match="written over while it was read"):
            store.download(one.key, tmp_path / "other", one)
    assert (tmp_path / "big").read_bytes() == body
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big"]
    assert sum(1 for passed in given if passed > 5_000_000) >= 1


def test_retention_takes_files_and_remembers(s3: S3Server, tmp_path: Path) -> None:
    bucket = s3.bucket()
    here, there = zone(bucket, tmp_path / "a"), zone(bucket, tmp_path / "b")
    first, second = landed(here), landed(here)
    assert [batch.id for batch in there.batches("p", "s")] == [first.id, second.id]
    here.clean(timedelta(0), ())
    assert f"zone/p/s/{first.id}/cleaned.json" in s3.names(bucket)
    assert f"zone/p/s/{first.id}/part-00000.jsonl" not in s3.names(bucket)
    fresh = zone(bucket, tmp_path / "b")  # the same mirror, in a process of its own
    assert [batch.id for batch in fresh.batches("p", "s")] == [second.id]
    assert [batch.id for batch in fresh.history("p", "s")] == [first.id, second.id]


def test_what_was_spooled_goes_from_the_store_too(s3: S3Server, tmp_path: Path) -> None:
    bucket = s3.bucket()
    landing = zone(bucket, tmp_path / "a")
    batch = landed(landing, off=True)
    landing.drop_spooled("p", "s", keep=(), remember={batch.id})
    assert s3.names(bucket) == [f"zone/p/s/{batch.id}/cleaned.json"]
    landing.drop_spooled("p", "s", keep=(), remember=())
    assert s3.names(bucket) == []


def test_one_extraction_at_a_time_over_all_machines(s3: S3Server, tmp_path: Path) -> None:
    bucket = s3.bucket()
    here, there = zone(bucket, tmp_path / "a"), zone(bucket, tmp_path / "b")
    with ExitStack() as stack:
        stack.enter_context(here.lock("p", "s"))
        with pytest.raises(LandingError, match="another extraction of"), there.lock("p", "s", SOON):
            pass
        with there.lock("p", "other", SOON):
            pass
    with there.lock("p", "s", SOON):
        pass
    assert s3.names(bucket) == []


def test_a_dead_holders_lock_runs_out_and_it_cannot_commit_afterwards(s3: S3Server, tmp_path: Path) -> None:
    store = open_store(f"s3://{s3.bucket()}/zone")
    busy = LandingError("busy")
    dead = Lease(store, "zone/.lock", timedelta(seconds=30))
    with dead.holding(SOON, busy):
        body, _ = store.read("zone/.lock") or (b"{}", "")
        past = {**json.loads(body), "until": (datetime.now(UTC) - timedelta(seconds=5)).isoformat()}
        store.write("zone/.lock", json.dumps(past).encode())  # a minute in which nothing of it moved
        with Lease(store, "zone/.lock").holding(SOON, busy) as taken:
            taken.require()
            dead._renewed -= 60
            with pytest.raises(LandingError, match="the lock on the landing zone was lost"):
                dead.require()
        assert store.read("zone/.lock") is None


def test_a_server_that_takes_requests_and_answers_none_is_said(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr("octo_resources.objects.s3.PATIENCE", (0.2, 0))
        with pytest.raises(LandingError, match=f"{endpoint} takes requests and does not answer") as told:
            RemoteLanding(open_store("s3://bucket/x", endpoint), tmp_path).batches("p", "s")
    assert told.value.retryable


@pytest.mark.parametrize(
    ("address", "environment", "said"),
    [
        ("s3://no-such-bucket-here/x", {}, "there is no such bucket"),
        ("s3://bucket/x", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "nothing answers at http://127.0.0.1:1"),
    ],
)
def test_what_cannot_be_used_is_said(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, environment: dict[str, str], said: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(LandingError, match=said):
        RemoteLanding(open_store(address), tmp_path).batches("p", "s")


@pytest.mark.parametrize(
    ("code", "status", "passes"), [("502", 502, True), ("503", 503, True), ("InvalidToken", 400, False)]
)
def test_a_proxys_own_trouble_passes_and_a_wrong_token_does_not(code: str, status: int, passes: bool) -> None:
    error = ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")
    store = open_store("s3://bucket", "http://127.0.0.1:1")
    assert isinstance(store, S3Store)
    with pytest.raises(StoreError) as caught, store._explained("key"):
        raise error
    assert caught.value.retryable is passes
    assert ("AWS_SESSION_TOKEN" in (caught.value.hint or "")) is (code == "InvalidToken")
