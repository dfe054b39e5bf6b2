"""What every request meets first: headers on each answer, and the short way for pushes."""

from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from octo_api import problems, push

if TYPE_CHECKING:
    from fastapi import FastAPI

_HEADERS: Final = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
"""Nothing here is to be shown in a page, guessed at, framed or kept."""
_PUSH: Final = "/push/"


class Front:
    """The application behind it, with these headers on whatever it answers.

    `POST /push/NAME` goes straight to the function that FastAPI would call: FastAPI's way to it (routing, dependencies,
    telemetry, exit stacks) takes 0.25 ms, more than all that a push has to do until it is on the disk.
    """

    def __init__(self, app: "FastAPI") -> None:
        self._app: ASGIApp = app
        self._api = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        name = scope["path"][len(_PUSH) :] if scope["path"].startswith(_PUSH) else ""
        if scope["method"] != "POST" or not name or "/" in name:
            await self._app(scope, receive, send_with)
            return
        scope["app"], scope["path_params"] = self._api, {"pipeline": name}
        request = Request(scope, receive, send_with)
        try:
            response = await push.push(request)
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the client gets a problem document
            response = problems.of(error)
        await response(scope, receive, send_with)
