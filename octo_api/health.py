"""`GET /health` for load balancers, `GET /metrics` for Prometheus: whether it works, and how much waits."""

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

router = APIRouter(tags=["operation"])


class Health(BaseModel):
    """`ok` means that what is pushed is taken."""

    status: str = "ok"


@router.get("/health", summary="Whether the API works")
async def health() -> Health:
    """Answers without a token, and tells nothing else."""
    return Health()


@router.get("/metrics", response_class=PlainTextResponse, summary="Figures for Prometheus")
async def metrics(request: Request) -> str:
    """Items taken since the server began and bytes that wait, by pipeline and source: counts, never data."""
    intake = request.app.state.intake
    lines = [
        "# HELP octopipe_push_items_total Items acknowledged since the server began.",
        "# TYPE octopipe_push_items_total counter",
        *(_line("octopipe_push_items_total", place, count) for place, count in sorted(intake.taken.items())),
        "# HELP octopipe_push_waiting_bytes Bytes that wait to land.",
        "# TYPE octopipe_push_waiting_bytes gauge",
        *(_line("octopipe_push_waiting_bytes", place, size) for place, size in sorted(intake.waiting().items())),
    ]
    return "\n".join(lines) + "\n"


def _line(name: str, place: tuple[str, str], value: int) -> str:
    return f'{name}{{pipeline="{place[0]}",source="{place[1]}"}} {value}'
