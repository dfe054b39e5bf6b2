"""`POST /push/{pipeline}`: items are checked, made durable, and only then acknowledged; and what became of them."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from octo_api.bodies import read_body
from octo_api.doors import Door, Doors
from octo_api.intake import Intake
from octo_api.problems import ItemProblem, Problem, Refused
from octo_core.expressions import path_parts
from octo_core.holding import Contract
from octo_resources.flow.pushed import PushStatus, push_status
from octo_resources.landing.ulid import is_ulid
from octo_resources.sources.push.forward import ITEM_BYTES
from octo_resources.sources.push.items import BadItems, Items, Wrong, read_items
from octo_resources.sources.push.queue import Entry, KeyTaken, Pushed

router = APIRouter(tags=["push"])

_SHORT: Final = 20_000
"""Bytes that are checked at once; longer bodies are checked beside the other requests."""
_KEY_LENGTH: Final = 255
_MISFITS: Final = 100
_ITEM: Final = {"type": "object", "additionalProperties": True}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "One item, a list of items, or an item a line; also with `Content-Encoding: gzip`.",
        "content": {
            "application/json": {"schema": {"oneOf": [_ITEM, {"type": "array", "items": _ITEM, "minItems": 1}]}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    },
    "parameters": [
        {
            "name": "pipeline",
            "in": "path",
            "required": True,
            "description": "The pipeline.",
            "schema": {"type": "string"},
        },
        {
            "name": "source",
            "in": "query",
            "description": "Its source, where several are pushed to.",
            "schema": {"type": "string"},
        },
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "The same key with the same body is taken once, however often it is sent.",
            "schema": {"type": "string", "maxLength": _KEY_LENGTH},
        },
    ],
}
_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    code: {"model": Problem, "description": said, "content": {"application/problem+json": {}}}
    for code, said in {
        400: "The body is no JSON.",
        401: "Who asks is not known here.",
        409: "The idempotency key came before with another body.",
        413: "More bytes than the source takes at once.",
        415: "Neither JSON nor JSON lines, or packed otherwise than by gzip.",
        422: "Items that the source's schema refuses: which, where and why. None was taken.",
        429: "More requests than the source's rate; `Retry-After` says when.",
        503: "Too much waits, or the disk is full; `Retry-After` says when.",
    }.items()
}


class Accepted(BaseModel):
    """Items that are durable now. `batch` names the request's items; `status` is where to ask after them."""

    pipeline: str
    source: str
    batch: str
    items: int
    state: Literal["accepted"] = "accepted"
    accepted: datetime
    status: str


@router.post(
    "/push/{pipeline}",
    status_code=202,
    response_model=Accepted,
    responses={202: {"description": "Durable."}, **_PROBLEMS},
    openapi_extra=_BODY,
    summary="Push items",
)
async def push(request: Request) -> Response:
    """Takes one item or many, all or none of them. What is answered by 202 is on the disk, and will be loaded."""
    # Its parameters are read here and not by the signature: that alone takes a tenth of a request's time.
    doors, intake = _doors(request), _intake(request)
    headers, query = dict(request.headers), request.query_params
    door = await doors.door(request.path_params["pipeline"], query.get("source"))
    admitted = door.admission.admits(headers, query)
    doors.within_rate(door)
    intake.has_room(door)
    key = _key(headers)
    body = await read_body(request.receive, headers, door.spec.max_bytes, intake.room)
    door.admission.verify(admitted, headers, body.raw)
    digest = hashlib.sha256(body.plain).digest()
    try:
        long = len(body.plain) > _SHORT
        items = await asyncio.to_thread(_checked, body.plain, door) if long else _checked(body.plain, door)
    except BadItems as bad:
        before = intake.reader.by_key(door.pipeline, door.source, key) if key else None
        if before is not None and before.digest == digest:  # taken before its schema became another
            return _accepted(before, repeated=True)
        raise _refusal(bad) from None
    lines = b"\n".join(items.lines)
    entry = Entry(intake.new_id(), door.pipeline, door.source, key, digest, len(items.lines), lines)
    taken = await intake.put(entry, door)
    if isinstance(taken, KeyTaken):
        raise Refused(409, "This idempotency key came before with another body", f"It is that of {taken.before.id}")
    return _accepted(taken, repeated=taken.id != entry.id)


@router.get(
    "/push/{pipeline}/{batch}",
    responses={401: _PROBLEMS[401], 404: {"model": Problem, "description": "Not known, or not any more."}},
    summary="What became of pushed items",
)
async def status(
    request: Request,
    pipeline: Annotated[str, Path(description="The pipeline.")],
    batch: Annotated[str, Path(description="What POST answered.")],
    source: Annotated[str | None, Query(description="Its source, where several are pushed to.")] = None,
) -> PushStatus:
    """Accepted, landed or loaded; the loads with their counts; and the items that were set aside, with reasons."""
    doors = _doors(request)
    door = await doors.door(pipeline, source)
    admitted = door.admission.admits(request.headers, request.query_params)
    door.admission.verify(admitted, request.headers, b"")
    found = await asyncio.to_thread(_status, doors, door, batch) if is_ulid(batch) else None
    if found is None:
        raise Refused(404, "No such batch is known", "States are kept for a week after the items landed")
    return found


def _status(doors: Doors, door: Door, batch: str) -> PushStatus | None:
    space = doors.workspace()
    return push_status(space, space.pipeline(door.pipeline), batch)


def _doors(request: Request) -> Doors:
    found: Doors = request.app.state.doors
    return found


def _intake(request: Request) -> Intake:
    found: Intake = request.app.state.intake
    return found


def _key(headers: Mapping[str, str]) -> str | None:
    key = headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _KEY_LENGTH:
        raise Refused(400, f"An idempotency key has 1 to {_KEY_LENGTH} characters")
    return key


def _checked(body: bytes, door: Door) -> Items:
    """The items, held against the source's schema where it has one. Raises BadItems."""
    items = read_items(body)
    if door.spec.to is not None:
        wide = [number for number, line in enumerate(items.lines, 1) if len(line) > ITEM_BYTES]
        if wide:
            said = f"more than {ITEM_BYTES:,} bytes, which is more than a message of Kafka holds"
            raise BadItems([Wrong(number, said) for number in wide])
    if door.contract is not None:
        wrong = [*items.doubled, *_keyless(items, door.spec.key), *_wrong(items, door.contract)]
        if wrong:
            raise BadItems(wrong)
    return items


def _keyless(items: Items, key: Sequence[str]) -> list[Wrong]:
    """Items without what makes them the same item again: one is nobody's drift, and no load has a place for it."""
    paths = [(name, path_parts(name)) for name in key]
    return [
        Wrong(number, "the source's key is missing, or null", name)
        for number, item in enumerate(items.parsed, 1)
        for name, path in paths
        if _at(item, path) is None
    ]


def _at(item: object, path: Sequence[str | int]) -> object:
    for part in path:
        item = item.get(str(part)) if isinstance(item, dict) else None
    return item


def _wrong(items: Items, contract: Contract) -> list[Wrong]:
    found: list[Wrong] = []
    for number, item in enumerate(items.parsed, 1):
        found += [Wrong(number, one.message, one.path) for one in contract.misfits(item)]
        if len(found) >= _MISFITS:
            break
    return found


def _refusal(bad: BadItems) -> Refused:
    errors = [ItemProblem(item=one.item, path=one.path, message=one.message) for one in bad.wrong]
    if bad.broken:
        return Refused(400, "The body is no JSON", errors[0].message, errors=errors)
    detail = "None of the request's items was taken."
    hint = "The schema: octopipe schema PIPELINE" if any(one.path for one in bad.wrong) else None
    return Refused(422, "Items that cannot be taken", detail, hint=hint, errors=errors)


def _accepted(pushed: Pushed, *, repeated: bool) -> Response:
    where = f"/push/{pushed.pipeline}/{pushed.id}"
    answer = {  # an `Accepted`; made by Pydantic it takes ten times as long
        "pipeline": pushed.pipeline,
        "source": pushed.source,
        "batch": pushed.id,
        "items": pushed.items,
        "state": "accepted",
        "accepted": datetime.fromtimestamp(pushed.accepted, UTC),
        "status": where,
    }
    headers = {"Location": where} | ({"Idempotent-Replayed": "true"} if repeated else {})
    return Response(msgspec.json.encode(answer), status_code=202, headers=headers, media_type="application/json")
