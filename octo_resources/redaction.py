"""The one place that redacts: what is secret becomes *** before it reaches a log, a message or a stored record."""

import base64
import json
import logging
import re
import threading
from urllib.parse import quote, quote_plus, unquote

MASK = "***"
_SHORTEST = 4  # shorter secrets would blank out half of every text; they are still masked in URLs and headers
_CREDENTIAL_NAMES = (
    r"(?:[\w.-]*(?:token|secret|passwd|password|api[_-]?key|apikey|signature|credential)|key|sig|pwd|auth"
    r"|x-amz-security-token|x-amz-signature)"
)
_URL_PASSWORD = re.compile(r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s/:@?#'\"]*:)(?P<secret>[^\s/'\"]*)(?=@)", re.IGNORECASE)
_QUERY = re.compile(rf"([?&;]{_CREDENTIAL_NAMES}=)[^&\s#'\"<>;]+", re.IGNORECASE)
_DSN = re.compile(r"\b((?:password|passwd|pwd)\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&;'\"]+)", re.IGNORECASE)
_HEADER = re.compile(
    r"((?:proxy-)?authorization|x-api-key|api-key|x-auth-token|cookie|set-cookie)"
    r"(['\"]?\s*[:=]\s*(?:b?['\"])?|['\"]\s*,\s*b?['\"])([^\r\n'\"]+)",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)

_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')

_known: set[str] = set()
_pattern: re.Pattern[str] | None = None
_lock = threading.Lock()


def remember(secret: str) -> None:
    """From now on this text is masked wherever it shows, also URL-encoded, in JSON and in base64."""
    global _pattern  # one register for the whole process, as logging has
    if len(secret) < _SHORTEST or secret in _known:
        return
    with _lock:
        _known.update(spelling for spelling in _spellings(secret) if len(spelling) >= _SHORTEST)
        _pattern = re.compile("|".join(re.escape(known) for known in sorted(_known, key=len, reverse=True)))


def remember_credentials(value: str) -> None:
    """Remember the password in a URL that came from the environment, so that it is masked out of its URL too."""
    for match in _URL_PASSWORD.finditer(value):
        remember(match.group("secret"))
        remember(unquote(match.group("secret")))


def redact(text: str) -> str:
    """The text without secrets: what `remember` was told, passwords in URLs and DSNs, tokens in queries and headers."""
    if _pattern is not None:
        text = _pattern.sub(MASK, text)
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\g<head>{MASK}", text)
    if "=" in text:
        text = _QUERY.sub(rf"\g<1>{MASK}", text)
        text = _DSN.sub(rf"\g<1>{MASK}", text)
    text = _HEADER.sub(rf"\g<1>\g<2>{MASK}", text)
    return _SCHEME.sub(rf"\g<1> {MASK}", text)


def redact_json(text: str) -> str:
    """Text that is JSON, or holds it, with every string in it redacted for itself: what was JSON before still is."""
    found = _JSON_STRING.sub(_redacted_string, text)
    return found if _pattern is None else _pattern.sub(MASK, found)


def _redacted_string(found: re.Match[str]) -> str:
    try:
        said = json.loads(found.group())
    except ValueError:
        return redact(found.group())
    clean = redact(said)
    return found.group() if clean == said else json.dumps(clean, ensure_ascii=False)


def _spellings(secret: str) -> set[str]:
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    }


class RedactionFilter(logging.Filter):
    """Masks a record's message and traceback; a record that holds nothing secret stays as it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            return True  # logging itself reports a record whose arguments do not fit
        clean = redact(message)
        if clean != message:
            record.msg, record.args = clean, None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True


_installed = False


def install_log_redaction() -> None:
    """Redact every record of this process, whatever logger or handler it goes through. Calling it again is harmless."""
    global _installed  # the factory wrapped below is global as well
    with _lock:
        if _installed:
            return
        _installed = True
    make = logging.getLogRecordFactory()
    redaction = RedactionFilter()

    def redacted(*args: object, **kwargs: object) -> logging.LogRecord:
        record = make(*args, **kwargs)
        redaction.filter(record)
        return record

    logging.setLogRecordFactory(redacted)
