"""A server on loopback that speaks the OpenAI chat protocol (tool calls and JSON schema) and says what a test wants."""

import json
from collections.abc import Callable
from typing import Any

from tests.servers.api import Api, Asked, Reply

Says = Callable[[dict[str, Any]], Any]
"""From a request's body to the reply: a dict of the asked-for fields, text that stands as it is, or a whole Reply."""


class ModelServer(Api):
    """`says` answers every request, or a list of them one request each (the last one again and again)."""

    def __init__(self, says: Says | list[Any], **more: Any) -> None:
        super().__init__({"/v1/chat/completions": self._complete}, **more)
        self._says = says

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The requests as they came."""
        return [json.loads(asked.body) for asked in self.asked]

    @property
    def heard(self) -> str:
        """Everything that was sent, as one text."""
        return "\n".join(asked.body.decode() + repr(asked.headers) for asked in self.asked)

    def _complete(self, asked: Asked) -> Reply:
        body = json.loads(asked.body)
        says = self._says
        said = says(body) if callable(says) else says[min(len(self.asked), len(says)) - 1]
        said = said(body) if callable(said) else said
        return said if isinstance(said, Reply) else Reply(completion(body, said))


def completion(
    body: dict[str, Any], said: Any, *, finish: str | None = None, tokens: tuple[int, int] = (100, 20)
) -> Any:
    """The answer of a chat completion: a tool call where the request brings a tool, else a message's content."""
    text = said if isinstance(said, str) else json.dumps(said)
    if body.get("tools"):
        name = body["tools"][0]["function"]["name"]
        call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": text}}
        message: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [call]}
    else:
        message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body.get("model", ""),
        "choices": [{"index": 0, "message": message, "finish_reason": finish or "stop", "logprobs": None}],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)},
    }


def last_message(body: dict[str, Any]) -> str:
    """What the user said last."""
    return str(body["messages"][-1]["content"])


def asked_of(body: dict[str, Any]) -> dict[str, Any]:
    """The JSON of the question: what the first message of the user holds."""
    found: dict[str, Any] = json.loads(body["messages"][1]["content"])
    return found


def answering(types: dict[str, Any] | None = None, mapping: dict[str, Any] | None = None, key: Any = ()) -> Says:
    """Says fixed claims: `types`: field → claim, `mapping`: column → expression, None, or a whole choice."""

    def says(body: dict[str, Any]) -> Any:
        if "columns" not in asked_of(body):
            return {"fields": [{"field": name, **claim} for name, claim in (types or {}).items()], "key": list(key)}
        choices = []
        for name, said in (mapping or {}).items():
            whole = said if isinstance(said, dict) else {"expression": said}
            choices.append({"column": name, "confidence": 0.9, "why": "it says so", **whole})
        return {"columns": choices}

    return says
