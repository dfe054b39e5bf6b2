"""What can go wrong with a call, in plain words, and whether trying again could help."""

import json
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from octo_core.asking.cleaning import shown
from octo_resources.redaction import redact
from octo_resources.sources.rest.pace import retry_after

LONGEST_WAIT: Final = 60.0
_NAMES: Final = ("message", "error", "detail", "msg", "error_description", "title", "reason")
_PREFIX: Final = re.compile(r"^Error code: \d{3}(?: - )?")
_REFUSED: Final = re.compile(r"Unable to generate a response due to (.+)", re.DOTALL)
_AGAIN: Final = frozenset({408, 409, 425, 429})
_BAD: Final = frozenset({400, 422})
_NO_KEY: Final = re.compile(r"api.?key\b.*\b(?:not valid|invalid)|\b(?:invalid|incorrect) api.?key", re.IGNORECASE)
_NO_MODEL: Final = re.compile(
    r"\bmodel\b.*\b(?:not exist|not found|unknown|invalid)\b|\b(?:invalid|unknown|no such) model\b", re.IGNORECASE
)
"""As some say it under 400, where others say 401 and 404."""


@dataclass(frozen=True, slots=True)
class Failure:
    """`again`: whether to try again, and after how many seconds where the provider says so. `for_good`: whether every
    other question would fail the same way. `slow`: no answer came in time. `unknown`: it may have been answered, and
    paid for.
    """

    message: str
    again: bool | float = False
    for_good: bool = False
    slow: bool = False
    unknown: bool = False


def failure_of(error: BaseException) -> Failure:
    """The plain words for whatever a provider's client raised."""
    for one in _chain(error):
        status = _status(one)
        if status is not None:
            return _refused(status, one)
    for one in _chain(error):
        if isinstance(one, ssl.SSLError):
            return Failure(f"its certificate is not valid: {_short(str(one))}; it was not trusted", for_good=True)
        kinds = {kind.__name__ for kind in type(one).__mro__}  # by name: providers' clients bring httpx, httpx2, others
        if kinds & {"TimeoutException", "TimeoutError"}:
            return Failure("it did not answer in time", slow=True, unknown=True)
        if kinds & {"RemoteProtocolError", "DecodingError"}:
            return Failure(f"its answer broke off or was malformed: {_short(str(one))}", again=True, unknown=True)
        if "ConnectError" in kinds:
            if "CERTIFICATE" in str(one).upper():
                return Failure(f"its certificate is not valid: {_short(str(one))}; it was not trusted", for_good=True)
            return Failure(f"it cannot be reached: {_short(str(one))}", again=True, for_good=True)
    if isinstance(error, ImportError):
        return Failure(
            f"a package is missing: {_short(str(error))}; install octopipe[llm] and the provider's own", for_good=True
        )
    return _of_address(error) or _of_reply(error)


def _status(error: BaseException) -> int | None:
    """The HTTP status that a client's error tells; Google's calls it a code."""
    told = [getattr(error, name, None) for name in ("status_code", "code")]
    return next((one for one in told if isinstance(one, int) and 300 <= one < 1000), None)


def _of_address(error: BaseException) -> Failure | None:
    """What is wrong with the settings, where nothing was sent."""
    names = {kind.__name__ for one in _chain(error) for kind in type(one).__mro__}
    last = next(iter(_chain(error)))
    if names & {"UnsupportedProtocol", "InvalidURL"} or "Invalid IPv6 URL" in str(last):
        return Failure("llm.base_url is no address: write for example http://127.0.0.1:8000/v1", for_good=True)
    encoded = next((one for one in _chain(error) if isinstance(one, UnicodeEncodeError)), None)
    if encoded is not None and encoded.encoding == "utf-8":
        return Failure("its reply was never valid: it holds halves of characters")
    if encoded is not None or "LocalProtocolError" in names:
        return Failure("the request cannot be sent: look at llm.key and llm.base_url", for_good=True)
    if "ConfigurationError" in names:
        return Failure(f"it cannot be asked: {_short(str(last))}", for_good=True)
    return None


def _of_reply(error: BaseException) -> Failure:
    """What is wrong with an answer that came."""
    name = type(error).__name__
    if (said := _declined(error)) is not None:
        return said
    for one in _chain(error):
        if isinstance(one, ValidationError):
            first = one.errors(include_url=False, include_input=False, include_context=False)[0]
            place = ".".join(map(str, first["loc"]))
            return Failure(f"its reply was never valid: {f'{place}: ' if place else ''}{_short(first['msg'])}")
    if "Incomplete" in name:
        return Failure("its reply was cut off at the limit of its length")
    if any(_unreadable(one) for one in _chain(error)):
        return Failure(
            "its answer is no JSON, or none that can be read: does llm.base_url name a chat API?", unknown=True
        )
    if any("Validation" in type(one).__name__ for one in _chain(error)):
        return Failure(f"its reply was never valid: {_short(str(error))}")
    if any("ResponseParsing" in type(one).__name__ for one in _chain(error)):
        return Failure("its reply was never valid: it is not in the form that was asked for; try another llm.mode")
    if "InstructorRetry" in name and any(isinstance(one, TypeError | LookupError) for one in _chain(error)):
        return Failure("its answer is not what such an answer has to be")
    return Failure(f"{name}: {_short(str(error))}")


def _unreadable(error: BaseException) -> bool:
    known = isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError)
    return known or (type(error) is ValueError and "integer string conversion" in str(error))


def _declined(error: BaseException) -> Failure | None:
    """An answer that holds no reply: an error under status 200, a refusal, something that is no chat completion."""
    answer = next(
        (found for one in _chain(error) if (found := getattr(one, "last_completion", None)) is not None), None
    )
    parsing = any("ResponseParsing" in type(one).__name__ for one in _chain(error))
    choices = getattr(answer, "choices", None)
    if answer is None or not choices:
        refusal = _REFUSED.search(str(error))
        if refusal:
            return Failure(f"it declined to answer: {_short(refusal.group(1))}")
        extra = getattr(answer, "model_extra", None) or (answer if isinstance(answer, dict) else {})
        if text := _message(extra.get("error")):
            return Failure(f"it answered with an error: {_short(text)}")
        return Failure("its answer is no chat completion: does llm.base_url name a chat API?") if parsing else None
    choice = choices[0]
    if getattr(choice, "finish_reason", None) == "content_filter":
        return Failure("its answer was withheld by its content filter")
    refusal = getattr(getattr(choice, "message", None), "refusal", None)
    return Failure(f"it declined to answer: {_short(refusal)}") if isinstance(refusal, str) and refusal else None


def _refused(status: int, error: BaseException) -> Failure:
    said = _said(error)
    if status in (401, 403) or (status in _BAD and _NO_KEY.search(said)):
        return Failure(f"it refused the key ({status}): set the one that `llm.key` names", for_good=True)
    if status == 404 or (status in _BAD and _NO_MODEL.search(said)):
        return Failure(f"it has no such model or address ({status}){said}", for_good=True)
    if status == 402 or (status == 429 and _is_unpaid(error)):
        return Failure(f"its account has nothing left to pay with ({status}){said}", for_good=True)
    if 300 <= status < 400:
        said = f"it sends to another address ({status}), where the key is not sent: write the right one as llm.base_url"
        return Failure(said, for_good=True)
    if status in _AGAIN or status >= 500:
        headers = getattr(getattr(error, "response", None), "headers", {})
        wait = retry_after(headers.get("retry-after"))
        message = f"it allows no more requests for now (429){said}" if status == 429 else f"it failed ({status}){said}"
        if wait is not None and wait > LONGEST_WAIT:
            return Failure(f"{message}; it asks to wait {wait:.0f} s")
        return Failure(message, again=True if wait is None else wait)
    return Failure(f"it refused the request ({status}){said}")


def _is_unpaid(error: BaseException) -> bool:
    """Whether 429 means an empty account, which no waiting fills, as OpenAI says by a code."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else None
    return isinstance(inner, dict) and "insufficient_quota" in (inner.get("code"), inner.get("type"))


def _said(error: BaseException) -> str:
    """`: ` and what the provider's answer says in words; empty where it says nothing that a person could read."""
    body = getattr(error, "body", None)
    text = _message(body)
    if text is None and not isinstance(body, dict | list):
        raw = str(getattr(error, "message", "") or error)
        text = _PREFIX.sub("", raw) if "<html" not in raw.lower() and "<!doctype" not in raw.lower() else None
    text = (text or "").strip()
    return f": {_short(text)}" if text and not text.startswith(("{", "[", "<")) else ""


def _message(body: object) -> str | None:
    """The sentence in a body of any shape: {error: {message}}, {message}, {error}, {detail}, [{…}]."""
    if isinstance(body, str):
        try:
            inside = json.loads(body)
        except ValueError:
            return body
        return _message(inside) if isinstance(inside, dict | list) else body
    if isinstance(body, list):
        return next((text for one in body[:3] if (text := _message(one))), None)
    if isinstance(body, dict):
        return next((text for name in _NAMES if name in body and (text := _message(body[name]))), None)
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _short(text: str) -> str:
    return shown(redact(text), 200)
