"""What goes over the wire: who asks, what is tried again and what not, where secrets go and where they never do."""

import gzip
import json
import logging
import ssl
import subprocess
import zlib
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from octo_core.errors import NotSupportedYet, SourceError, UsageError
from octo_resources.landing import Landing
from octo_resources.project import Project
from octo_resources.sources.rest.pace import Pace, retry_after
from tests.servers.api import Api, Asked, Reply, paged
from tests.sources.support import LandRest, content, records_of

SECRET = "s3cr3t!to ken/+&="
KEY = "${secret:env/TOKEN}"
ROWS = [{"id": 1, "price": 1}]


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch, land_rest: LandRest, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A planted secret, known to the project as ${secret:env/TOKEN}."""
    project: Project = request.getfixturevalue("project")
    (project.environment)["TOKEN"] = SECRET  # type: ignore[index]
    return KEY


def basic(asked: Asked) -> str:
    import base64

    return base64.b64decode(asked.headers["Authorization"].removeprefix("Basic ")).decode()


def test_records_are_kept_exactly_as_they_came(land_rest: LandRest, landing: Landing) -> None:
    body = b'{"data": [{"a": 1.10, "b":1e5,  "big": 12345678901234567890.123456789, "a": 2},\n {"x":\n "\\u00e9\\n"}]}'
    with Api({"/x": lambda _: Reply(body)}) as api:
        batch = land_rest(f"{api.url}/x")
    assert batch is not None
    assert content(landing, batch) == (
        b'{"a": 1.10, "b":1e5,  "big": 12345678901234567890.123456789, "a": 2}\n{"x":  "\\u00e9\\n"}\n'
    )
    landing.verify(batch)


@pytest.mark.parametrize(
    ("auth", "seen"),
    [
        ({"kind": "bearer", "token": KEY}, lambda asked: asked.headers["Authorization"] == f"Bearer {SECRET}"),
        ({"kind": "basic", "username": "ana", "password": KEY}, lambda asked: basic(asked) == f"ana:{SECRET}"),
        ({"kind": "api_key", "key": KEY}, lambda asked: asked.headers["X-API-Key"] == SECRET),
        ({"kind": "api_key", "key": KEY, "name": "k", "in": "query"}, lambda asked: asked.params["k"] == SECRET),
        ({"kind": "none"}, lambda asked: "Authorization" not in asked.headers),
    ],
)  # fmt: skip
def test_every_page_is_asked_for_with_the_auth(secret, auth, seen, land_rest: LandRest) -> None:  # type: ignore[no-untyped-def]
    with Api({"/x": paged([{"id": n} for n in range(50)], 20, "next_url")}) as api:
        assert land_rest(f"{api.url}/x", auth=auth) is not None
    assert len(api.asked) == 3
    assert all(map(seen, api.asked))


@pytest.mark.parametrize("kind", ["bearer", "query", "param", "header", "url"])
def test_a_secret_is_in_no_manifest_log_or_error(
    kind: str, secret: str, land_rest: LandRest, landing: Landing, caplog: pytest.LogCaptureFixture
) -> None:
    """The server does its worst: it echoes the secret in next links, headers and error bodies."""
    keys: dict[str, object] = {
        "bearer": {"auth": {"kind": "bearer", "token": secret}},
        "query": {"auth": {"kind": "api_key", "key": secret, "name": "k", "in": "query"}},
        "param": {"params": {"who": secret}},
        "header": {"headers": {"X-Who": secret}},
        "url": {},
    }[kind]  # type: ignore[assignment]
    from urllib.parse import quote

    def echo(asked: Asked) -> Reply:
        page = int(asked.params.get("page", 1))
        if page == 3 and "fail" in asked.params:
            return Reply({"error": f"no page for {SECRET}", "url": asked.url, "headers": asked.headers}, 403)
        following = f"{asked.path}?page={page + 1}&again={quote(SECRET)}" + (
            "&fail=1" if "fail" in asked.params else ""
        )
        return Reply({"next": following if page < 3 else None, "data": [{"id": page}]}, headers={"ETag": f'"{SECRET}"'})

    caplog.set_level(logging.DEBUG)
    with Api({"/x": echo, f"/{SECRET.replace('/', '').replace(' ', '')}": echo}) as api:
        url = api.url.replace("http://", f"http://ana:{quote(SECRET, safe='')}@") if kind == "url" else api.url
        batch = land_rest(f"{url}/x", **keys)
        assert batch is not None
        with pytest.raises(SourceError, match="403") as caught:
            land_rest(f"{url}/x?fail=1", **keys)
    manifest = (Path(batch.folder) / "manifest.json").read_text()
    assert len(batch.files[0].position["pages"]) == 3
    for text in (manifest, str(caught.value), repr(caught.value), caplog.text):
        for spelling in {SECRET, quote(SECRET), quote(SECRET, safe=""), json.dumps(SECRET)[1:-1], "s3cr3t"}:
            assert spelling not in text


def test_refused_auth_names_the_secret_and_not_its_value(secret: str, land_rest: LandRest) -> None:
    with Api({"/x": lambda _: Reply({"error": "bad token"}, 401)}) as api, pytest.raises(SourceError) as caught:
        land_rest(f"{api.url}/x", auth={"kind": "bearer", "token": secret})
    assert len(api.asked) == 1
    assert "HTTP 401" in str(caught.value)
    assert "bearer with ${secret:env/TOKEN}" in str(caught.value)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 422])
def test_other_refusals_are_not_tried_again(status: int, land_rest: LandRest, landing: Landing) -> None:
    with (
        Api({"/x": lambda _: Reply({"error": "no"}, status)}) as api,
        pytest.raises(SourceError, match=str(status)) as caught,
    ):
        land_rest(f"{api.url}/x")
    assert len(api.asked) == 1
    assert not caught.value.retryable
    assert landing.batches("p", "s") == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize(
    "header", [{}, {"Retry-After": "0"}, {"Retry-After": format_datetime(datetime.now(UTC), usegmt=True)}]
)
def test_passing_trouble_is_tried_again_and_nothing_is_fetched_twice(
    status: int, header: dict[str, str], land_rest: LandRest, landing: Landing
) -> None:
    records = [{"id": number} for number in range(60)]
    good = paged(records, 20, "next_url")
    failed: set[str] = set()

    def flaky(asked: Asked) -> object:
        if asked.url not in failed:
            failed.add(asked.url)
            return Reply({"error": "later"}, status, header)
        return good(asked)

    with Api({"/x": flaky}) as api:
        batch = land_rest(f"{api.url}/x")
    assert batch is not None
    assert records_of(landing, batch) == records
    assert len(api.asked) == 6, "each page failed once and came once"


def test_lasting_trouble_ends(land_rest: LandRest, landing: Landing) -> None:
    with Api({"/x": lambda _: Reply({"error": "down"}, 503)}) as api, pytest.raises(SourceError, match="503") as caught:
        land_rest(f"{api.url}/x")
    assert (len(api.asked), caught.value.retryable) == (4, True)
    assert landing.batches("p", "s") == []


def test_a_long_retry_after_is_said_and_not_waited_for(land_rest: LandRest) -> None:
    with (
        Api({"/x": lambda _: Reply({}, 429, {"Retry-After": "86400"})}) as api,
        pytest.raises(SourceError, match="86,400 s"),
    ):
        land_rest(f"{api.url}/x")
    assert len(api.asked) == 1


def test_a_connection_cut_in_the_middle_is_tried_again(land_rest: LandRest, landing: Landing) -> None:
    answers = iter([Reply(ROWS, cut=5), Reply(ROWS)])
    with Api({"/x": lambda _: next(answers)}) as api:
        batch = land_rest(f"{api.url}/x")
    assert batch is not None
    assert records_of(landing, batch) == ROWS


def test_a_server_that_is_not_there_is_one_clear_error(land_rest: LandRest) -> None:
    with pytest.raises(SourceError, match="connection failed"):
        land_rest("http://127.0.0.1:9/x")


def test_a_slow_answer_times_out(land_rest: LandRest) -> None:
    import threading

    release = threading.Event()
    with Api({"/x": lambda _: release.wait(5)}) as api:
        with pytest.raises(SourceError, match=r"no answer within 0\.05 s"):
            land_rest(f"{api.url}/x", timeout=0.05)
        release.set()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(b'[{"id": 1}, {"id": ', headers={"Content-Type": "application/json"}), "broken JSON"),
        (Reply(b'{"data": [{"id": 1}, {"id" 2}]}'), "broken JSON"),
        (
            Reply(b"<html><title>Log in</title>", headers={"Content-Type": "text/html"}),
            "no JSON but text/html: '<html>",
        ),
        (Reply(b""), "empty"),
        (Reply(b"[1, 2, 3]"), "holds no records"),
        (Reply({"errors": [{"message": "bad query"}]}), "bad query"),
        (
            Reply(gzip.compress(b"[]", mtime=0)[:-9] + b"x" * 9, headers={"Content-Encoding": "gzip"}),
            "decod|decompress",
        ),
        (Reply(b"x", headers={"Content-Encoding": "br"}), "'br', which was not asked for"),
    ],
)
def test_answers_that_are_no_records_are_one_clear_error(
    reply: Reply, said: str, land_rest: LandRest, landing: Landing
) -> None:
    with Api({"/x": lambda _: reply}) as api, pytest.raises(SourceError, match=said) as caught:
        land_rest(f"{api.url}/x")
    assert caught.value.where == f"{api.url}/x"
    assert landing.batches("p", "s") == []
    assert list(landing.folder("p", "s").glob(".tmp-*")) == []


def test_broken_json_in_a_later_page_lands_nothing(land_rest: LandRest, landing: Landing) -> None:
    def second_broken(asked: Asked) -> object:
        return Reply(b'{"next": null, "data": [{"id"') if asked.params else {"next": "?page=2", "data": ROWS}

    with Api({"/x": second_broken}) as api, pytest.raises(SourceError, match="broken JSON") as caught:
        land_rest(f"{api.url}/x")
    assert caught.value.where == f"{api.url}/x?page=2"
    assert landing.batches("p", "s") == []


def test_a_page_without_its_list_is_an_error_and_no_end(land_rest: LandRest, landing: Landing) -> None:
    def second_odd(asked: Asked) -> object:
        return {"error": "try later"} if asked.params else {"next": "?page=2", "data": ROWS}

    with Api({"/x": second_odd}) as api, pytest.raises(SourceError, match="no records at 'data'"):
        land_rest(f"{api.url}/x")
    assert landing.batches("p", "s") == []


def test_bombs_are_refused(land_rest: LandRest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octo_resources.sources.rest.client.MAX_PAGE_BYTES", 1_000_000)
    bomb = gzip.compress(b"[" + b" " * 20_000_000 + b"]")
    assert len(bomb) < 100_000
    with Api({"/x": lambda _: Reply(bomb, headers={"Content-Encoding": "gzip"})}) as api:
        with pytest.raises(SourceError, match="larger than 1 MB"):
            land_rest(f"{api.url}/x")
        assert len(api.asked) == 1


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_compressed_answers(coding: str, land_rest: LandRest, landing: Landing) -> None:
    body = json.dumps(ROWS).encode()
    packed = gzip.compress(body) if coding == "gzip" else zlib.compress(body)
    with Api({"/x": lambda _: Reply(packed, headers={"Content-Encoding": coding})}) as api:
        batch = land_rest(f"{api.url}/x")
    assert batch is not None
    assert records_of(landing, batch) == ROWS


def test_credentials_do_not_follow_a_redirect_elsewhere(secret: str, land_rest: LandRest) -> None:
    with (
        Api({"/there": lambda _: ROWS}) as other,
        Api({"/x": lambda _: Reply(status=302, headers={"Location": f"{other.url}/there"})}) as api,
    ):
        batch = land_rest(
            f"{api.url}/x",
            auth={"kind": "bearer", "token": secret},
            headers={"X-Secret": secret, "X-Client": "octopipe"},
        )
    assert batch is not None
    assert api.asked[0].headers["X-Secret"] == SECRET
    seen = other.asked[0].headers
    assert "Authorization" not in seen
    assert "X-Secret" not in seen
    assert seen["X-Client"] == "octopipe"


def test_a_redirect_on_the_same_host_keeps_the_credentials(secret: str, land_rest: LandRest) -> None:
    with Api({"/x": lambda _: Reply(status=307, headers={"Location": "/y?a=1"}), "/y": lambda _: ROWS}) as api:
        land_rest(f"{api.url}/x", auth={"kind": "api_key", "key": secret, "name": "k", "in": "query"})
    assert [asked.params for asked in api.asked] == [{"k": SECRET}, {"a": "1", "k": SECRET}]


def test_redirects_in_circles_end(land_rest: LandRest) -> None:
    reply = Reply(status=302, headers={"Location": "/x"})
    with Api({"/x": lambda _: reply}) as api, pytest.raises(SourceError, match="too many redirects"):
        land_rest(f"{api.url}/x")


@pytest.mark.parametrize("how", ["body", "link"])
def test_a_next_page_on_another_host_is_refused(how: str, secret: str, land_rest: LandRest, landing: Landing) -> None:
    with Api({"/x": lambda _: ROWS}) as other:

        def leading_away(_: Asked) -> Reply:
            target = f"{other.url}/x?page=2"
            if how == "link":
                return Reply(ROWS, headers={"Link": f'<{target}>; rel="next"'})
            return Reply({"next": target, "data": ROWS})

        with Api({"/x": leading_away}) as api, pytest.raises(SourceError, match="another host"):
            land_rest(f"{api.url}/x", auth={"kind": "bearer", "token": secret})
    assert other.asked == []
    assert landing.batches("p", "s") == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate with its key, for 127.0.0.1."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    key = path.with_suffix(".key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", str(key), "-out", str(path), "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


def test_tls_is_verified(certificate: Path, land_rest: LandRest, landing: Landing) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    with Api({"/x": lambda _: ROWS}, tls=context) as api:
        with pytest.raises(SourceError, match="certificate is not trusted") as caught:
            land_rest(f"{api.url}/x")
        assert "verify: path/to/ca.pem" in str(caught.value)
        assert api.asked == []
        batch = land_rest(f"{api.url}/x", verify=str(certificate))
        assert batch is not None
        assert records_of(landing, batch) == ROWS


@pytest.mark.parametrize(
    ("keys", "error", "said"),
    [
        ({"verify": "nowhere.pem"}, UsageError, "holds no certificates"),
        ({"landing": "off"}, UsageError, "has to land"),
        ({"landing": "reference"}, UsageError, "cannot be referred to"),
        ({"auth": {"kind": "bearer", "token": "${secret:env/NOT_SET}"}}, UsageError, "NOT_SET"),
        ({"auth": {"kind": "hmac", "key": "k"}}, NotSupportedYet, "hmac"),
        ({"children": {"a": 1}}, NotSupportedYet, "children"),
        ({"public_only": True}, NotSupportedYet, "public_only"),
    ],
)
def test_mistakes_are_said_before_anything_is_asked(
    keys: dict[str, object], error: type[Exception], said: str, land_rest: LandRest
) -> None:
    with Api({"/x": lambda _: ROWS}) as api, pytest.raises(error, match=said):
        land_rest(f"{api.url}/x", **keys)
    assert api.asked == []


@pytest.mark.parametrize(
    ("media", "body", "rows"),
    [
        ("application/x-ndjson", b'{"a":1}\n\n{"a":2}\n', [{"a": 1}, {"a": 2}]),
        ("application/json", b'{"a":1}\n{"a":2}', [{"a": 1}, {"a": 2}]),
        ("text/plain", b'[{"a":1}]', [{"a": 1}]),
        ("application/json; charset=iso-8859-1", '[{"a":"é"}]'.encode("latin-1"), [{"a": "é"}]),
        ("application/json", b'\xef\xbb\xbf[{"a":1}]', [{"a": 1}]),
        ("application/vnd.api+json", b'{"data":[{"id":"1"}],"included":[{"x":1},{"x":2}]}', [{"id": "1"}]),
        ("application/json", b'{"id": 5, "tags": [{"a": 1}]}', [{"id": 5, "tags": [{"a": 1}]}]),
    ],
)
def test_shapes_of_answers(media: str, body: bytes, rows: list[object], land_rest: LandRest, landing: Landing) -> None:
    with Api({"/x": lambda _: Reply(body, headers={"Content-Type": media})}) as api:
        batch = land_rest(f"{api.url}/x")
    assert batch is not None
    assert records_of(landing, batch) == rows


def test_csv_answers_land_as_csv(land_rest: LandRest, landing: Landing) -> None:
    def csv(asked: Asked) -> Reply:
        page = int(asked.params.get("page", 1))
        links = {"Link": '<?page=2>; rel="next"'} if page == 1 else {}
        return Reply(
            f"id;name\n{page};Zoë\n".encode("latin-1"), headers={"Content-Type": "text/csv; charset=latin-1", **links}
        )

    with Api({"/x": csv}) as api:
        batch = land_rest(f"{api.url}/x")
    assert batch is not None
    assert [file.format for file in batch.files] == ["csv", "csv"]
    assert content(landing, batch, 1) == "id;name\n2;Zoë\n".encode()
    dialect = batch.files[0].dialect
    assert dialect is not None
    assert (dialect.delimiter, dialect.columns, dialect.encoding) == (";", ("id", "name"), "utf-8")


def test_parts_roll(land_rest: LandRest, landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octo_resources.sources.rest.parts.PART_BYTES", 400)
    records = [{"id": number} for number in range(100)]
    with Api({"/x": paged(records, 20, "next_url")}) as api:
        batch = land_rest(f"{api.url}/x")
    assert batch is not None
    assert len(batch.files) > 1
    assert records_of(landing, batch) == records
    assert sum(len(file.position["pages"]) for file in batch.files) == 5
    assert batch.files[0].position["pages"][0]["address"] == f"{api.url}/x"
    landing.verify(batch)


def test_retry_after_reads_seconds_and_dates() -> None:
    assert retry_after("7") == 7
    assert retry_after("nonsense") is None
    assert retry_after(None) is None
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert (retry_after("Wed, 21 Oct 2065 07:28:00 GMT") or 0) > 86400


@pytest.mark.parametrize("rate", ["fast", "0/s", "10", "/s"])
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    with pytest.raises(UsageError, match="is no rate"):
        Pace(rate)


def test_a_rate_spaces_requests_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a clock of our own: the waits are what is asked for, not how long the test takes."""
    now, waits = [100.0], []

    def sleep(seconds: float) -> None:
        waits.append(round(seconds, 6))
        now[0] += seconds

    monkeypatch.setattr("octo_resources.sources.rest.pace.time.monotonic", lambda: now[0])
    monkeypatch.setattr("octo_resources.sources.rest.pace.time.sleep", sleep)
    pace = Pace("600/min")
    for _ in range(3):
        pace.wait()
    now[0] += 60
    pace.wait()
    assert waits == [0.1, 0.1]
