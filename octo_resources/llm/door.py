"""The one way to a language model: redacted, counted, cached, within the budget, tried again where that can help."""

import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, TypeVar

import stamina
from pydantic import BaseModel, ValidationError

from octo_core.spec.llm import LlmSettings
from octo_resources.llm import prices
from octo_resources.llm.failures import Failure, failure_of
from octo_resources.llm.provider import limit_of_reply, opened
from octo_resources.llm.settings import Access
from octo_resources.redaction import redact, redact_json
from octo_resources.registry.calls import LlmCall, LlmCalls
from octo_resources.retry_log import log_retries

BUDGET_DAYS: Final = 30
DEFAULT_SECONDS: Final = 60.0
DEFAULT_RETRIES: Final = 2
_CHARACTERS_A_TOKEN: Final = 3
"""Few enough that the estimate is rather too high, so that a budget is not overdrawn."""
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


@dataclass(slots=True)
class _Tally:
    """What all attempts of one call used, whatever came of them."""

    attempts: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    last: str | None = field(default=None)

    def request(self, *_: Any, **__: Any) -> None:
        self.attempts += 1

    def response(self, response: Any) -> None:
        usage = getattr(response, "usage", None)
        self.tokens_in += _count(usage, "prompt_tokens", "input_tokens")
        self.tokens_out += _count(usage, "completion_tokens", "output_tokens")
        dump = getattr(response, "model_dump_json", None)
        self.last = dump()[:100_000] if callable(dump) else None


class _AgainError(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Door:
    """One pipeline's. Nothing that a provider does raises here: the answer is a reply or an Unanswered.

    What refused the key, has no such model or cannot be reached is not asked again.
    """

    def __init__(self, pipeline: str, found: Access, calls: LlmCalls) -> None:
        self._pipeline, self._calls, self._key = pipeline, calls, found.key
        self.settings: LlmSettings = found.settings
        self.model = found.settings.model or ""
        self.share = found.share
        self._seconds = found.settings.timeout.total_seconds() if found.settings.timeout else DEFAULT_SECONDS
        self._gone: str | None = None
        self._retries = DEFAULT_RETRIES if found.settings.retries is None else found.settings.retries

    def ask(self, question: Question[Reply]) -> Reply | Unanswered:
        """The reply, from the registry where exactly this was asked before."""
        messages = [{**message, "content": redact_json(message["content"])} for message in question.messages]
        digest = self._digest(messages, question.reply)
        known = self._calls.answer_to(digest)
        if known is not None and known.answer is not None:
            try:
                return question.reply.model_validate_json(known.answer)
            except ValidationError:
                _log.info("an answer kept in the registry does not validate any more: asked again")
        refused = self._gone or self._over_budget(messages, question.max_tokens)
        if refused is not None:
            return Unanswered(refused)
        return self._asked(question, messages, digest)

    def _asked(self, question: Question[Reply], messages: list[Message], digest: str) -> Reply | Unanswered:
        tally, began = _Tally(), time.monotonic()
        found: Reply | Unanswered
        try:
            found = self._with_patience(question, messages, tally)
        except Exception as error:  # noqa: BLE001 - whatever a provider's client raises, the pipeline does not die of it
            failure = error.failure if isinstance(error, _AgainError) else failure_of(error)
            found = Unanswered(failure.message)
            self._gone = failure.message if failure.for_good else None
        failed = isinstance(found, Unanswered)
        call = LlmCall(
            pipeline=self._pipeline,
            purpose=question.purpose,
            part=question.part,
            model=self.model,
            prompt_hash=digest,
            prompt=json.dumps(messages, ensure_ascii=False),
            answer=redact(tally.last or "") or None
            if isinstance(found, Unanswered)
            else redact_json(found.model_dump_json()),
            state="failed" if failed else "answered",
            error=found.why if isinstance(found, Unanswered) else None,
            attempts=tally.attempts,
            tokens_in=tally.tokens_in,
            tokens_out=tally.tokens_out,
            cost=prices.cost(self.model, tally.tokens_in, tally.tokens_out, self.settings.price),
            seconds=round(time.monotonic() - began, 3),
            at=datetime.now(UTC),
        )
        self._calls.add(call)
        return found

    def _with_patience(self, question: Question[Reply], messages: list[Message], tally: _Tally) -> Reply:
        log_retries()
        said = self.settings
        reached = opened(self.model, base_url=said.base_url, key=self._key, mode=said.mode, seconds=self._seconds)
        with reached as (client, fixed):
            client.on("completion:kwargs", tally.request)
            client.on("completion:response", tally.response)
            logging.getLogger("instructor").setLevel(logging.CRITICAL)  # it logs whole replies; ours are redacted
            limit = limit_of_reply(self.model, said.base_url, question.max_tokens)
            return self._tried(client, question, {"messages": messages, **limit, **fixed})

    def _tried(self, client: Any, question: Question[Reply], said: dict[str, Any]) -> Reply:
        for attempt in stamina.retry_context(
            on=_wait, attempts=self._retries + 1, timeout=None, wait_initial=0.5, wait_max=20.0, wait_jitter=0.5
        ):
            with attempt:
                try:
                    found = client.create(response_model=question.reply, max_retries=self._retries, **said)
                    return question.reply.model_validate(found.model_dump())
                except Exception as error:
                    failure = failure_of(error)
                    if failure.again is not False:
                        raise _AgainError(failure) from error
                    raise
        raise AssertionError("stamina gives at least one attempt")

    def _digest(self, messages: list[Message], reply: type[BaseModel]) -> str:
        asked = [self.model, self.settings.base_url, self.settings.mode, messages, reply.model_json_schema()]
        return hashlib.sha256(json.dumps(asked, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def _over_budget(self, messages: list[Message], max_tokens: int) -> str | None:
        """Why the call would cost more than the pipeline may still spend; None where it may."""
        budget = self.settings.budget
        if budget.tokens is None and budget.money is None:
            return None
        spent = self._calls.spent(self._pipeline, datetime.now(UTC) - timedelta(days=BUDGET_DAYS))
        asked = sum(len(message["content"]) for message in messages) // _CHARACTERS_A_TOKEN + 1
        if budget.tokens is not None and spent.tokens + asked > budget.tokens:
            return (
                f"the budget of {budget.tokens:,} tokens in {BUDGET_DAYS} days does not reach for it "
                f"({spent.tokens:,} are used)"
            )
        if budget.money is not None:
            price = prices.cost(self.model, asked, min(max_tokens, 2000), self.settings.price)
            if price is None:
                return f"nobody says what {self.model} costs, and there is a budget in money: say it in llm.price"
            if spent.money + price > budget.money:
                return (
                    f"the budget of {budget.money} USD in {BUDGET_DAYS} days does not reach for it "
                    f"({spent.money:.4f} are used)"
                )
        return None


def _wait(error: Exception) -> bool | float:
    return error.failure.again if isinstance(error, _AgainError) else False


def _count(usage: Any, *names: str) -> int:
    for name in names:
        value = getattr(usage, name, None)
        if isinstance(value, int) and 0 <= value < 10**9:
            return value
    return 0
