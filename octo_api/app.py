"""The HTTP API of one project folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI

from octo_api import health, problems, push
from octo_api.doors import Doors
from octo_api.front import Front
from octo_api.intake import Intake
from octo_resources.flow.workspace import open_registry
from octo_resources.project import Project
from octo_resources.sources.push.queue import Queue, queue_path

if TYPE_CHECKING:
    from starlette.types import ASGIApp

TITLE = "Octopipe"
ABOUT = "Push items to pipelines: checked, durable before they are acknowledged, loaded by the approved plan."


def api() -> FastAPI:
    """The API without a project: what its OpenAPI document is made of."""
    app = FastAPI(
        title=TITLE,
        version=version("octopipe"),
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    problems.install(app)
    app.include_router(push.router)
    app.include_router(health.router)
    return app


def create_app(project: Project) -> "ASGIApp":
    """The API at work. Raises what opening the registry raises, and LandingError where another server has the queue."""

    registry = open_registry(project)
    queue = Queue(queue_path(project.root))

    @asynccontextmanager
    async def working(app: FastAPI) -> AsyncIterator[None]:
        app.state.doors = Doors(project, registry)
        app.state.intake = Intake(project, queue)
        try:
            yield
        finally:
            await app.state.intake.close()
            registry.close()

    app = api()
    app.router.lifespan_context = working
    return Front(app)


def config(app: "ASGIApp", host: str, port: int) -> uvicorn.Config:
    """How it is served. No access log: a query could hold a key, and a proxy's log has what is wanted of it."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=20,
        limit_concurrency=1000,
        h11_max_incomplete_event_size=64_000,
        log_config=None,
    )
