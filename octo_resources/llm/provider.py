"""Opens a provider's client through instructor. `openai/…`, `ollama/…` and any `base_url` speak one protocol; the
others are reached by instructor's own names, where their package is installed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from octo_core.spec.llm import ReplyMode
from octo_resources.llm.deadline import hold_back
from octo_resources.llm.transport import client

if TYPE_CHECKING:
    from instructor import Instructor

DEFAULT_ADDRESSES: Final = {"openai": "https://api.openai.com/v1", "ollama": "http://127.0.0.1:11434/v1"}
KEY_VARIABLES: Final = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "google": "GOOGLE_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "groq": "GROQ_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "cohere": "CO_API_KEY",
}
KEYLESS: Final = frozenset({"ollama"})


def speaks_openai(provider: str, base_url: str | None) -> bool:
    return base_url is not None or provider in DEFAULT_ADDRESSES


@contextmanager
def opened(
    model: str, *, base_url: str | None, key: str | None, mode: ReplyMode | None, seconds: float
) -> "Iterator[tuple[Instructor, dict[str, Any]]]":
    """The client, and what each call must say beside its messages. Raises ImportError where a package is missing."""
    import instructor  # with openai 1 s, and most commands ask no model

    provider, _, name = model.partition("/")
    if not speaks_openai(provider, base_url):
        settings: dict[str, Any] = {"api_key": key} if key else {}
        found = instructor.from_provider(model, **settings)
        hold_back(getattr(found, "client", None), seconds)
        yield found, {}
        return
    import openai

    modes = {
        "tools": instructor.Mode.TOOLS,
        "json_schema": instructor.Mode.JSON_SCHEMA,
        "json": instructor.Mode.JSON,
    }
    address = base_url or DEFAULT_ADDRESSES[provider]
    with client(seconds, address) as http:
        plain = openai.OpenAI(
            base_url=address,
            api_key=key or "none",
            max_retries=0,  # we retry, so that every attempt is counted and the wait is bounded
            timeout=seconds,
            http_client=http,
        )
        yield instructor.from_openai(plain, mode=modes[mode or "tools"]), {"model": name}


def limit_of_reply(model: str, base_url: str | None, tokens: int) -> dict[str, int]:
    """OpenAI's own models name the limit otherwise than all who speak its protocol."""
    own = model.startswith("openai/") and base_url is None
    return {"max_completion_tokens" if own else "max_tokens": tokens}
