"""The one way to a language model: redacted, counted, cached, within the budget, tried again where that can help."""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

import stamina
from pydantic import BaseModel, ValidationError
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, stop_any
from tenacity.stop import stop_base

from octo_core.spec.llm import LlmSettings
from octo_resources.llm import prices
from octo_resources.llm.budget import DAYS, LEAST_REPLY, Allowance, allowed
from octo_resources.llm.deadline import within
from octo_resources.llm.failures import Failure, failure_of
from octo_resources.llm.provider import limit_of_reply, opened
from octo_resources.llm.settings import Access
from octo_resources.llm.silence import Silence
from octo_resources.llm.tally import Tally, estimated
from octo_resources.redaction import redact, redact_json
from octo_resources.registry.calls import Elsewhere, LlmCall, LlmCalls, Same, Spent
from octo_resources.retry_log import log_retries

DEFAULT_SECONDS: Final = 60.0
DEFAULT_RETRIES: Final = 2
POLL_SECONDS: Final = 0.2
"""Between looks at whether the answer that another process waits for is there."""
_log = logging.getLogger(__name__)

Reply = TypeVar("Reply", bound=BaseModel)
Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Question(Generic[Reply]):
    """What is asked: `purpose` (schema, mapping) of `part` (a source, a table), and the model of the reply."""

    purpose: str
    part: str
    messages: Sequence[Message]
    reply: type[Reply]
    max_tokens: int = 8000


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Why there is no reply, as a sentence about the model ("it did not answer in time")."""

    why: str


class _Stop(stop_base):
    """Ends trying again where `spent` says so."""

    def __init__(self, spent: Callable[[], bool]) -> None:
        self._spent = spent

    def __call__(self, retry_state: RetryCallState) -> bool:  # noqa: ARG002 - tenacity passes it by this name
        return self._spent()


class _AgainError(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Door:
    """One pipeline's. Nothing that a provider does raises here: the answer is a reply or an Unanswered.

    What refused the key, has no such model or cannot be reached is not asked again: `silence` may be what other doors
    to it know too.
    """

    def __init__(self, pipeline: str, found: Access, calls: LlmCalls, silence: Silence | None = None) -> None:
        self._pipeline, self._calls, self._key = pipeline, calls, found.key
        self.settings: LlmSettings = found.settings
        self.model = found.settings.model or ""
        self.share = found.share
        self._seconds = found.settings.timeout.total_seconds() if found.settings.timeout else DEFAULT_SECONDS
        self._silence = silence if silence is not None else Silence()
        self._retries = DEFAULT_RETRIES if found.settings.retries is None else found.settings.retries
        self._longest = self._seconds * (self._retries + 1) + 1
        """Seconds of one try with what does not validate sent back: our own client keeps each answer's time itself."""

    def ask(self, question: Question[Reply]) -> Reply | Unanswered:
        """The reply, from the registry where exactly this was asked before."""
        messages = [{**message, "content": redact_json(message["content"])} for message in question.messages]
        digest = self._digest(messages, question.reply)
        while True:
            known = self._calls.answer_to(digest)
            if known is not None and known.answer is not None:
                try:
                    return question.reply.model_validate_json(known.answer)
                except ValidationError:
                    _log.info("an answer kept in the registry does not validate any more: asked again")
            if self._silence.why is not None:
                return Unanswered(self._silence.why)
            found = self._asked(question, messages, digest, known.id if known is not None else 0)
            if not isinstance(found, Elsewhere):
                return found
            self._wait_for(found)

    def _wait_for(self, elsewhere: Elsewhere) -> None:
        """Till who asks the same has its answer or has none, for one time-out at most: it may have been killed."""
        if elsewhere.asking:
            _log.info("another process asks %s the same: its answer is waited for", self.model)
        until = time.monotonic() + self._seconds
        while elsewhere.asking and time.monotonic() < until and self._calls.asking(elsewhere.number):
            time.sleep(POLL_SECONDS)

    def _asked(
        self, question: Question[Reply], messages: list[Message], digest: str, known: int
    ) -> Reply | Unanswered | Elsewhere:
        """Asked, and kept: before anything leaves, so that what a process that was killed sent is known too.

        Not asked where somebody else does it now, or has an answer newer than the one `known`.
        """
        begun = LlmCall(
            pipeline=self._pipeline,
            purpose=question.purpose,
            part=question.part,
            model=self.model,
            prompt_hash=digest,
            prompt=json.dumps(messages, ensure_ascii=False),
            state="asking",
            attempts=0,
            seconds=0.0,
            at=datetime.now(UTC),
        )
        asked = estimated(*(message["content"] for message in messages))

        def reserved(spent: Spent) -> tuple[LlmCall, Allowance] | str:
            may = allowed(self.settings.budget, spent, asked, question.max_tokens, self._cost, self.model)
            if isinstance(may, str):
                return may
            kept = {"tokens_in": asked, "tokens_out": may.reply, "cost": self._cost(asked, may.reply)}
            return begun.model_copy(update=kept), may

        same = Same(prompt_hash=digest, after=known, patience=timedelta(seconds=self._seconds))
        started = self._calls.begin(self._pipeline, datetime.now(UTC) - timedelta(days=DAYS), reserved, same)
        if isinstance(started, str):
            return Unanswered(started)
        if isinstance(started, Elsewhere):
            return started
        number, allowance = started
        tally, began = Tally(), time.monotonic()
        found: Reply | Unanswered
        try:
            found = self._with_patience(question, messages, tally, allowance)
            self._silence.broken()
        except Exception as error:  # noqa: BLE001 - whatever a provider's client raises, the pipeline does not die of it
            found = self._failed(error, tally)
        except BaseException:
            tally.lost()
            self._calls.end(number, self._ended(begun, Unanswered("it was interrupted"), tally, began))
            raise
        self._calls.end(number, self._ended(begun, found, tally, began))
        return found

    def _failed(self, error: Exception, tally: Tally) -> Unanswered:
        failure = error.failure if isinstance(error, _AgainError) else failure_of(error)
        if failure.unknown:
            tally.lost()
        self._silence.heard(failure)
        return Unanswered(failure.message)

    def _ended(self, begun: LlmCall, found: BaseModel | Unanswered, tally: Tally, began: float) -> LlmCall:
        """The call with what came of it."""
        if isinstance(found, Unanswered):
            why, said = found.why, redact(tally.last or "") or None
        else:
            why, said = None, redact_json(found.model_dump_json())
        return begun.model_copy(
            update={
                "answer": said,
                "state": "answered" if why is None else "failed",
                "error": why,
                "attempts": tally.attempts,
                "tokens_in": tally.tokens_in,
                "tokens_out": tally.tokens_out,
                "cost": self._cost(tally.tokens_in, tally.tokens_out),
                "seconds": round(time.monotonic() - began, 3),
            }
        )

    def _cost(self, tokens_in: int, tokens_out: int) -> Decimal | None:
        return prices.cost(self.model, tokens_in, tokens_out, self.settings.price)

    def _with_patience(
        self, question: Question[Reply], messages: list[Message], tally: Tally, allowance: Allowance
    ) -> Reply:
        log_retries()
        logging.getLogger("instructor").setLevel(logging.CRITICAL)  # it logs whole replies; ours are redacted
        said = self.settings
        reached = opened(self.model, base_url=said.base_url, key=self._key, mode=said.mode, seconds=self._seconds)
        with reached as (client, fixed):
            client.on("completion:kwargs", tally.request)
            client.on("completion:response", tally.response)
            limit = limit_of_reply(self.model, said.base_url, allowance.reply)
            return self._tried(client, question, {"messages": messages, **limit, **fixed}, tally, allowance)

    def _tried(
        self, client: Any, question: Question[Reply], said: dict[str, Any], tally: Tally, allowance: Allowance
    ) -> Reply:
        def spent() -> bool:
            """Whether asking once more could take more than was set aside."""
            return allowance.tokens is not None and tally.tokens + tally.next_in + LEAST_REPLY > allowance.tokens

        asked_again = Retrying(
            stop=stop_any(stop_after_attempt(self._retries + 1), _Stop(spent)),
            retry=retry_if_exception_type(ValueError),  # all of what an invalid reply raises
            reraise=True,
        )
        for attempt in stamina.retry_context(
            on=_wait, attempts=self._retries + 1, timeout=None, wait_initial=0.5, wait_max=20.0, wait_jitter=0.5
        ):
            with attempt:
                try:
                    found = within(
                        self._longest,
                        lambda: client.create(response_model=question.reply, max_retries=asked_again, **said),
                    )
                    return question.reply.model_validate(found.model_dump())
                except Exception as error:
                    failure = failure_of(error)
                    tally.lost() if failure.unknown else tally.refused()
                    if failure.again is not False and not spent():
                        raise _AgainError(failure) from error
                    raise
        raise AssertionError("stamina gives at least one attempt")

    def _digest(self, messages: list[Message], reply: type[BaseModel]) -> str:
        asked = [self.model, self.settings.base_url, self.settings.mode, messages, reply.model_json_schema()]
        return hashlib.sha256(json.dumps(asked, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _wait(error: Exception) -> bool | float:
    return error.failure.again if isinstance(error, _AgainError) else False
