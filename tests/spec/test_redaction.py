"""Nothing secret is shown: what was revealed, passwords in URLs, tokens in queries and headers."""

import logging

import pytest

from octo_resources import redaction
from octo_resources.redaction import RedactionFilter, redact, remember, remember_credentials


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", set())
    monkeypatch.setattr(redaction, "_pattern", None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://ana:s3cret@db/x", "postgresql://ana:***@db/x"),
        ("postgresql://ana:p@ss@db:5432/x", "postgresql://ana:***@db:5432/x"),
        ("https://api.example/x?page=2&api_key=abc&token=def", "https://api.example/x?page=2&api_key=***&token=***"),
        ("https://s3.example/x?X-Amz-Signature=abc&part=1", "https://s3.example/x?X-Amz-Signature=***&part=1"),
        ("Authorization: Bearer abcdef.ghi", "Authorization: ***"),
        ("{'Authorization': 'Basic YWJj'}", "{'Authorization': '***'}"),
        ("sent Bearer abcdef.ghi there", "sent Bearer *** there"),
        ("host=db password='a b' user=ana", "host=db password=*** user=ana"),
        ("https://api.example/x?page=2#part", "https://api.example/x?page=2#part"),
        ("12:30 at a:b, c=d", "12:30 at a:b, c=d"),
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize("form", ["{}", "https://x/{}", '"{}"'])
def test_a_remembered_secret_is_masked_in_every_spelling(form: str) -> None:
    remember('p"ä ss/word')
    for spelling in ('p"ä ss/word', "p%22%C3%A4%20ss%2Fword", 'p\\"\\u00e4 ss/word', "cCLDpCBzcy93b3Jk"):
        assert redact(form.format(spelling)) == form.format("***")


def test_a_password_from_the_environment_is_masked_outside_its_url_too() -> None:
    remember_credentials("postgresql://ana:tr0ub4dor%263@db/x")
    assert redact("FATAL: wrong password tr0ub4dor&3 for ana") == "FATAL: wrong password *** for ana"


def test_log_records_are_masked_with_their_tracebacks() -> None:
    remember("hunter2-long")
    try:
        raise ValueError("no hunter2-long here")
    except ValueError as error:
        caught = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed with %s", ("hunter2-long",), caught)
    RedactionFilter().filter(record)
    text = logging.Formatter().format(record)
    assert "hunter2" not in text.replace("raise ValueError", "")
    assert "failed with ***" in text


def test_a_record_without_secrets_keeps_its_arguments() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "%s rows", (5,), None)
    RedactionFilter().filter(record)
    assert (record.msg, record.args) == ("%s rows", (5,))
