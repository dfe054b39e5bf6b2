"""What the API answers when it does not do what was asked: RFC 9457 problem documents, and nothing of the inside."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from octo_core.errors import NotApproved, OctopipeError, UsageError
from octo_resources.redaction import redact


class ItemProblem(BaseModel):
    """One item that cannot be taken. `item` counts from 1; `path` is a field's."""

    item: int
    path: str | None = None
    message: str


class Problem(BaseModel):
    """A refusal, as application/problem+json."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    hint: str | None = None
    errors: list[ItemProblem] | None = None


class Refused(Exception):  # noqa: N818 - named after what happened, as octo_core/errors.py does
    """A request that is answered by a problem document."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str | None = None,
        *,
        hint: str | None = None,
        errors: list[ItemProblem] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(title)
        self.problem = Problem(title=title, status=status, detail=detail, hint=hint, errors=errors)
        self.headers = dict(headers or {})


def put_off(status: int, title: str, seconds: int, detail: str | None = None) -> Refused:
    """429 or 503, with when to try again."""
    return Refused(status, title, detail, headers={"Retry-After": str(seconds)})


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        problem.model_dump_json(exclude_none=True),
        status_code=problem.status,
        headers=dict(headers or {}),
        media_type="application/problem+json",
    )


def of_error(error: OctopipeError) -> Problem:
    """An error of the inside: what a client may know of it."""
    status = 409 if isinstance(error, NotApproved) else 400 if isinstance(error, UsageError) else 503
    title = "The request cannot be done" if status < 500 else "The service cannot do it now"
    return Problem(title=title, status=status, detail=redact(error.message))


def install(app: FastAPI) -> None:
    """Turn every exception of this API into a problem document."""

    async def refused(_: Request, error: Any) -> Response:
        return answer(error.problem, error.headers)

    async def failed(_: Request, error: Any) -> Response:
        problem = of_error(error)
        return answer(problem, {"Retry-After": "5"} if problem.status == 503 else None)

    async def http(_: Request, error: Any) -> Response:
        return answer(Problem(title=str(error.detail), status=error.status_code), error.headers)

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(OctopipeError, failed)
    app.add_exception_handler(HTTPException, http)
