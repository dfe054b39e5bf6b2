"""What the API answers when it does not do what was asked: RFC 9457 problem documents, and nothing of the inside."""

import logging
from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from octo_core.errors import NotApproved, OctopipeError, UsageError
from octo_resources.redaction import redact

_LOG: Final = logging.getLogger("octopipe.api")


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


def of(error: Exception) -> Response:
    """The answer to whatever was raised; what nobody foresaw is logged, and told as no more than that."""
    if isinstance(error, Refused):
        return answer(error.problem, error.headers)
    if isinstance(error, HTTPException):
        return answer(Problem(title=str(error.detail), status=error.status_code), error.headers)
    if isinstance(error, OctopipeError):
        problem = of_error(error)
        return answer(problem, {"Retry-After": "5"} if problem.status == 503 else None)
    _LOG.error("this is a bug in octopipe: %s", type(error).__name__, exc_info=_without_data(error))
    return answer(Problem(title="This is a bug in octopipe", status=500))


def install(app: FastAPI) -> None:
    """Turn every exception of this API into a problem document."""

    async def told(_: Request, error: Exception) -> Response:
        return of(error)

    for kind in (Refused, OctopipeError, HTTPException, Exception):
        app.add_exception_handler(kind, told)


def _without_data(error: Exception) -> Exception:
    """The error with its place and without its words, in which an item could stand."""
    return Exception().with_traceback(error.__traceback__)
