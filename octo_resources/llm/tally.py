"""What all attempts of one call used, by the provider's word, and by our estimate where it says nothing that counts."""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_CHARACTERS_A_TOKEN: Final = 3
"""Few enough that an estimate is rather too high, so that a budget is not overdrawn."""
_MOST: Final = 10**9


def estimated(*texts: str) -> int:
    """Tokens of texts, rather too many."""
    return sum(map(len, texts)) // _CHARACTERS_A_TOKEN + 1


@dataclass(slots=True)
class Tally:
    """Listens to one call's requests and responses. `last`: the newest response, as JSON."""

    attempts: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    last: str | None = field(default=None)
    _asked: int = 0
    """Tokens of the request that is on its way; 0 when its answer has come."""

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out

    @property
    def next_in(self) -> int:
        """What asking once more would send at the least."""
        return self.tokens_in // max(1, self.attempts)

    def request(self, *_: Any, **said: Any) -> None:
        self.lost()  # an answer that could not be read is asked for again without a word
        self.attempts += 1
        self._asked = estimated(_as_text(said.get("messages", ())), _as_text(said.get("tools", ())))

    def response(self, response: Any) -> None:
        usage, self.last = getattr(response, "usage", None), _dumped(response)
        told_in = _count(usage, "prompt_tokens", "input_tokens")
        told_out = _count(usage, "completion_tokens", "output_tokens")
        self.tokens_in += self._asked if told_in is None else told_in
        self.tokens_out += estimated(self.last or "") if told_out is None else told_out
        self._asked = 0

    def refused(self) -> None:
        """The provider refused the request on its way, or it never arrived: nobody pays for it."""
        self._asked = 0

    def lost(self) -> None:
        """The answer to the request on its way will not come, but the provider may have read it and ask to be paid."""
        self.tokens_in += self._asked
        self._asked = 0


def _as_text(messages: Any) -> str:
    return json.dumps(messages, default=str, ensure_ascii=False) if isinstance(messages, Sequence) else ""


def _dumped(response: Any) -> str | None:
    dump = getattr(response, "model_dump_json", None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydantic's, of what is not of the type that the protocol says
            return dump()[:100_000] if callable(dump) else None
    except ValueError:  # halves of characters are no JSON
        return repr(response).encode("utf-8", "backslashreplace").decode()[:100_000]


def _count(usage: Any, *names: str) -> int | None:
    """The first that is a believable count above zero."""
    for name in names:
        value = getattr(usage, name, None)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MOST:
            return value
    return None
