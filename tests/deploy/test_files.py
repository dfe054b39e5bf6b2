"""The files of deploy/: that their parts agree with one another and with what the code reads."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from dagster._core.instance.config import dagster_instance_config
from dagster._core.workspace.load_target import WorkspaceFileTarget

from octo_assets.component import project_definitions
from octo_core.spec.loading import load_project
from octo_core.spec.substitution import Substitution
from octo_resources.project import Project

DEPLOY = Path(__file__).parents[2] / "deploy"
CLAIM = "octopipe-state"
STATE = "/srv/octopipe/.octopipe"


def documents(name: str) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all((DEPLOY / name).read_text()) if one]


def variables(text: str) -> set[str]:
    """The environment variables that Dagster's settings take."""
    return set(re.findall(r"\{env: ([A-Z0-9_]+)\}", text))


def test_the_workspace_names_the_code_server_by_its_environment(monkeypatch: Any) -> None:
    monkeypatch.setenv("OCTOPIPE_CODE_HOST", "code")
    monkeypatch.setenv("OCTOPIPE_CODE_PORT", "4000")
    (origin,) = WorkspaceFileTarget([str(DEPLOY / "workspace.yaml")]).create_origins()
    assert (origin.host, origin.port, origin.location_name) == ("code", 4000, "octo")


def test_compose_gives_every_service_what_dagsters_settings_name() -> None:
    compose = documents("compose.yaml")[0]
    asked = variables((DEPLOY / "dagster.yaml").read_text()) | variables((DEPLOY / "workspace.yaml").read_text())
    example = set(re.findall(r"^([A-Z0-9_]+)=", (DEPLOY / ".env.example").read_text(), re.MULTILINE))
    for name in ("migrate", "code", "webserver", "daemon", "api"):
        service = compose["services"][name]
        assert asked <= set(service["environment"]) | example, name
        assert "state:" + STATE in service["volumes"], name
        assert service["read_only"], name
    published = [port for one in compose["services"].values() for port in one.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in published)
    for service in compose["services"].values():
        assert set(service.get("depends_on", {})) <= set(compose["services"])
    assert set(compose["volumes"]) == {"postgres", "state"}


def test_what_compose_runs_is_in_the_image() -> None:
    image = (DEPLOY / "Dockerfile").read_text()
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text()
    copied = re.findall(r"^COPY (?!--from)(?:--chown=\S+ )?(.+) \S+$", image, re.MULTILINE)
    for word in " ".join(copied).split():
        name = word.rstrip("*")
        assert any((DEPLOY.parent / one).exists() for one in (name, name.rstrip("/"))) or name == "octopipe.yaml", name
        kept = [line[1:] for line in ignored.splitlines() if line.startswith("!")]
        assert any(name == one or (one.endswith("*") and name.startswith(one[:-1])) for one in kept), name
    extras = re.search(r"^ARG EXTRAS=(.+)$", image, re.MULTILINE)
    known = (DEPLOY.parent / "pyproject.toml").read_text()
    assert extras is not None
    assert all(f"\n{extra} = [" in known for extra in extras[1].split(","))


def test_helms_values_and_the_manifests_beside_them_agree() -> None:
    values = documents("helm/values.yaml")[0]
    deployment = values["dagster-user-deployments"]["deployments"][0]
    launcher = values["runLauncher"]["config"]["k8sRunLauncher"]
    api, service = documents("helm/api.yaml")
    container = api["spec"]["template"]["spec"]["containers"][0]
    executor = documents("spark/executor.yaml")[0]["spec"]
    for part in (deployment, launcher, api["spec"]["template"]["spec"], executor):
        claims = [
            one["persistentVolumeClaim"]["claimName"] for one in part["volumes"] if "persistentVolumeClaim" in one
        ]
        assert claims == [CLAIM]
    for part in (deployment, launcher, container, executor["containers"][0]):
        assert STATE in [mount["mountPath"] for mount in part["volumeMounts"]]
    images = {
        f"{one['image']['repository']}:{one['image']['tag']}"
        for one in (deployment, values["dagsterWebserver"], values["dagsterDaemon"])
    }
    profile = documents("spark/profile.yaml")[0]["profiles"]["cluster"]["engine"]
    assert images == {container["image"]} == {profile["conf"]["spark.kubernetes.container.image"]}
    assert service["spec"]["selector"] == api["spec"]["selector"]["matchLabels"]
    assert api["spec"]["replicas"] == 1  # one process writes the queue
    launched = json.dumps(launcher["envVars"])
    assert all(one["name"] in launched for one in deployment["env"])


def test_helms_values_say_the_same_as_the_settings_of_other_deployments(tmp_path: Path) -> None:
    values, settings = documents("helm/values.yaml")[0], documents("dagster.yaml")[0]
    daemon = values["dagsterDaemon"]
    queue = daemon["runCoordinator"]["config"]["queuedRunCoordinator"]
    assert queue["maxConcurrentRuns"] == settings["concurrency"]["runs"]["max_concurrent_runs"]
    more = values["additionalInstanceConfig"]
    assert not daemon["runRetries"]["enabled"]  # its key would be in dagster.yaml twice
    assert more["run_retries"] == settings["run_retries"]
    assert more["concurrency"]["pools"] == settings["concurrency"]["pools"]
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(more))
    dagster_instance_config(str(tmp_path))  # raises where an entry is wrong
    assert (
        daemon["runMonitoring"]["freeSlotsAfterRunEndSeconds"]
        == (settings["run_monitoring"]["free_slots_after_run_end_seconds"])
    )
    assert values["postgresql"]["postgresqlScheme"] == settings["storage"]["postgres"]["postgres_db"]["scheme"]
    logs = values["computeLogManager"]["config"]["s3ComputeLogManager"]
    assert logs["prefix"] == settings["compute_logs"]["config"]["prefix"]


def test_the_profile_for_spark_on_kubernetes_is_one_that_octopipe_reads() -> None:
    text = (DEPLOY / "spark" / "profile.yaml").read_text()
    loaded = load_project(text, "octopipe.yaml", Substitution({}, {}, {}, lambda *_: None), None)
    later = [one.message for one in loaded.mistakes if "not supported yet" not in one.message]
    assert later == []
    engine = documents("spark/profile.yaml")[0]["profiles"]["cluster"]["engine"]
    account = engine["conf"]["spark.kubernetes.authenticate.driver.serviceAccountName"]
    made, role, binding = documents("spark/rbac.yaml")
    assert account == made["metadata"]["name"] == binding["subjects"][0]["name"]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


def test_an_executors_pod_starts_spark_as_spark_tells_it_to(tmp_path: Path) -> None:
    container = documents("spark/executor.yaml")[0]["spec"]["containers"][0]
    assert not any(one.get("readOnly") for one in container["volumeMounts"])  # tasks write what others read
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    java.chmod(0o755)
    told = {
        "SPARK_JAVA_OPT_0": "-Da=b c", "SPARK_JAVA_OPT_1": "-Xss4m", "SPARK_EXECUTOR_MEMORY": "4g",
        "SPARK_DRIVER_URL": "spark://CoarseGrainedScheduler@h:1", "SPARK_EXECUTOR_ID": "7",
        "SPARK_EXECUTOR_CORES": "2", "SPARK_APPLICATION_ID": "spark-1", "SPARK_EXECUTOR_POD_IP": "10.0.0.1",
        "SPARK_RESOURCE_PROFILE_ID": "0", "SPARK_EXECUTOR_POD_NAME": "pod",
    }  # fmt: skip
    path = os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]])
    words = [*container["command"], "executor"]
    said = subprocess.run(words, env={**told, "PATH": path}, capture_output=True, text=True, check=True).stdout
    first, classpath, backend, *rest = said.partition("-cp\n")[0], *said.partition("-cp\n")[2].splitlines()
    assert first.splitlines() == ["-Da=b c", "-Xss4m", "-Xms4g", "-Xmx4g"]
    assert list(Path(classpath.removeprefix(":").removesuffix("*")).glob("spark-kubernetes_*.jar"))
    assert backend == "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
    assert dict(zip(rest[::2], rest[1::2], strict=True)) == {
        "--driver-url": "spark://CoarseGrainedScheduler@h:1", "--executor-id": "7", "--cores": "2",
        "--app-id": "spark-1", "--hostname": "10.0.0.1", "--resourceProfileId": "0", "--podName": "pod",
    }  # fmt: skip


def test_artifacts_go_to_s3_where_the_environment_says_so(tmp_path: Path, monkeypatch: Any) -> None:
    from dagster_aws.s3 import S3PickleIOManager

    (tmp_path / "pipelines").mkdir()
    assert "io_manager" not in (project_definitions(Project.at(tmp_path)).resources or {})
    monkeypatch.setenv("OCTOPIPE_ARTIFACTS", "s3://bucket/some/place")
    manager = (project_definitions(Project.at(tmp_path)).resources or {})["io_manager"]
    assert isinstance(manager, S3PickleIOManager)
    assert (manager.s3_bucket, manager.s3_prefix) == ("bucket", "some/place")
