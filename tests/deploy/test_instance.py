"""The whole instance at work: an item that is pushed becomes a row, through every process of a deployment."""

import time
from collections.abc import Callable
from pathlib import Path

import boto3
import httpx
import psycopg
import pytest
import yaml

from demo.broker import Broker
from deploy.instance import Instance
from octo_resources.flow import Workspace, approve, plan_to_read
from octo_resources.landing.ulid import new_ulid
from octo_resources.project import Project
from octo_resources.registry import Registry
from tests.conftest import PostgresServer

TABLE = "CREATE TABLE public.visit (id bigint PRIMARY KEY, page text NOT NULL)"
RUNS = "{ runsOrError { ... on Runs { results { status tags { key value } } } } }"
SECRET = "the-visits-secret"
S3 = {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": "eu-central-1"}


def project_of(root: Path, url: str, brokers: str) -> None:
    """A pipeline that is pushed to, by way of a topic, which begins by itself and waits for nothing."""
    folder = root / "pipelines" / "visits"
    (folder / "samples").mkdir(parents=True)
    (folder / "samples" / "visits.jsonl").write_text('{"id": 1, "page": "/"}\n{"id": 2, "page": "/about"}\n')
    to = {"topic": f"visits-{new_ulid().lower()}", "brokers": brokers}
    document = {
        "sources": {"visits": {"kind": "push", "key": ["id"], "token": SECRET, "batch": {"age": "0 s"}, "to": to}},
        "destination": {"kind": "postgres", "url": url},
        "tables": {"public.visit": {"write": "merge"}},
    }
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(document))
    (root / "octopipe.yaml").write_text('registry: "${env:OCTOPIPE_REGISTRY:-sqlite}"\nrules: {autostart: true}\n')


def approved(root: Path, registry_url: str) -> None:
    """Approve its plan, made from its samples."""
    registry = Registry.open(registry_url, root / ".octopipe")
    space = Workspace(Project.at(root), registry)
    plan, _ = plan_to_read(space, space.pipeline("visits"))
    approve(space, space.pipeline("visits"), plan.fingerprint, reviewer="ana@shop.example", via="cli")
    registry.close()


def eventually(what: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_an_item_goes_through_the_api_the_broker_the_daemon_a_run_and_the_warehouse(
    tmp_path: Path,
    postgres_server: PostgresServer,
    postgres_url: str,
    broker: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OCTOPIPE_HOME", "OCTOPIPE_PROFILE", "OCTOPIPE_REGISTRY", "DAGSTER_HOME", "DAGSTER_LOGS_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    root, database = tmp_path / "project", postgres_url.rpartition("/")[2]
    root.mkdir()
    project_of(root, postgres_url, broker.address)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(TABLE)
    for name, value in {"HOST": "127.0.0.1", "PORT": str(postgres_server.port), "USER": "postgres", "DB": database,
                        "PASSWORD": "none"}.items():  # fmt: skip
        monkeypatch.setenv(f"DAGSTER_PG_{name}", value)
    monkeypatch.setenv("OCTOPIPE_REGISTRY", postgres_url)
    approved(root, postgres_url)
    with Instance(root, tmp_path / "home") as instance:
        headers = {"Authorization": f"Bearer {SECRET}"}
        with httpx.Client(base_url=instance.api, headers=headers) as client:
            answer = client.post("/push/visits", json=[{"id": 7, "page": "/"}, {"id": 8, "page": "/about"}])
            assert answer.status_code == 202
            eventually(lambda: client.get(answer.headers["location"]).json()["state"] == "loaded")
        with psycopg.connect(postgres_url) as connection:
            assert connection.execute("SELECT * FROM public.visit ORDER BY id").fetchall() == [(7, "/"), (8, "/about")]
        eventually(lambda: statuses(instance) == {"SUCCESS"})
        logs = boto3.client("s3", **S3, endpoint_url=instance.environment["DAGSTER_LOGS_ENDPOINT"])
        kept = [one["Key"] for one in logs.list_objects_v2(Bucket="dagster").get("Contents", [])]
        logs.close()
        assert kept
        assert all(key.startswith("dagster/storage/") for key in kept)


def statuses(instance: Instance) -> set[str]:
    """The statuses of the pipeline's runs, as the webserver tells them."""
    runs = instance.ask(RUNS)["runsOrError"]["results"]
    return {run["status"] for run in runs if {"key": "octopipe/pipeline", "value": "visits"} in run["tags"]}
