"""`llm:` of octopipe.yaml and of a pipeline: which model is asked, what may leave for it, and what it may cost."""

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, field_validator

from octo_core.spec.sources import Strict
from octo_core.spec.units import Duration, parse_size

Share = Literal["none", "statistics", "samples"]
"""What may leave: nothing (no call), names and statistics, or also real values with personal data masked."""
ReplyMode = Literal["tools", "json_schema", "json"]
"""How the model is asked for its reply: as a tool's arguments, by a JSON Schema, or as plain JSON."""

_MONEY = re.compile(r"\s*(?:\$|USD)?\s*(\d+(?:\.\d+)?)\s*(?:\$|USD)?\s*", re.IGNORECASE)


def _tokens(value: object) -> object:
    """200k, 1.5M or a whole number."""
    try:
        return parse_size(value)
    except ValueError:
        raise ValueError(f"{value!r} is no number of tokens; write for example 200k or 50000") from None


def parse_money(value: object) -> Decimal:
    """US dollars from `2 USD`, `$0.50` or a number. Raises ValueError."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return Decimal(str(value))
    found = _MONEY.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is no amount of money; write for example 2 USD")
    return Decimal(found.group(1))


Tokens = Annotated[int, BeforeValidator(_tokens, json_schema_input_type=int | str)]
Money = Annotated[
    Decimal,
    BeforeValidator(parse_money),
    PlainSerializer(lambda value: f"{value} USD", return_type=str),
    WithJsonSchema({"type": ["string", "number"], "examples": ["2 USD"]}),
]


class Budget(Strict):
    """The most that one pipeline may spend in 30 days. Left out: no limit."""

    tokens: Tokens | None = None
    money: Money | None = None


class Price(Strict):
    """US dollars for a million tokens, for a model whose price is not known here."""

    input: Money
    output: Money


class LlmSettings(Strict):
    """Whoever says less takes the rest from octopipe.yaml."""

    model: str | None = None
    """PROVIDER/MODEL as instructor names them, e.g. `openai/gpt-5`. None: the embedded proposer."""
    base_url: str | None = None
    """Of any server that speaks the OpenAI chat protocol."""
    key: str | None = None
    share: Share | None = None
    budget: Budget = Budget()
    price: Price | None = None
    mode: ReplyMode | None = None
    timeout: Duration | None = None
    """For one answer; `60 s` when left out."""
    retries: int | None = Field(default=None, ge=0, le=10)
    """After 429 and 5xx, and for replies that do not validate; 2 when left out."""

    @field_validator("model")
    @classmethod
    def _provider_first(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[a-z][a-z0-9_-]*/\S+", value):
            raise ValueError(f"{value!r} names no provider; write PROVIDER/MODEL, for example openai/gpt-5")
        return value

    def over(self, other: "LlmSettings") -> "LlmSettings":
        """These settings where they say something, else the other's."""
        said = {name: getattr(self, name) for name in self.model_fields_set if getattr(self, name) is not None}
        return other.model_copy(update=said)
