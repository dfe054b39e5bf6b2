"""The files of deploy/ under the tools that are made for them: hadolint, Compose's and Kubernetes' schemas, and what
Dagster makes of the launcher's values."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type
from dagster_k8s import K8sRunLauncher
from dagster_k8s.job import DagsterK8sJobConfig, UserDefinedDagsterK8sConfig, construct_dagster_k8s_job
from kubernetes.client import ApiClient

DEPLOY = Path(__file__).parents[2] / "deploy"
BIN = Path(sys.executable).parent
KUBERNETES = "1.33"


def documents(name: str) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all((DEPLOY / name).read_text()) if one]


@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", "Dockerfile"],
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"],
    ],
    ids=["Dockerfile", "compose.yaml"],
)
def test_its_own_tool_finds_nothing(command: list[str]) -> None:
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=DEPLOY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["helm/api.yaml", "spark/executor.yaml", "spark/rbac.yaml"])
def test_manifests_are_kubernetes_own(name: str) -> None:
    for one in documents(name):
        if one["kind"] == "Pod":  # Spark gives the container the image of its settings
            one["spec"]["containers"][0]["image"] = "octopipe"
        kubernetes_validate.validate(one, KUBERNETES, strict=True)


def test_a_manifest_with_a_mistake_is_found() -> None:
    """That the validation above can fail."""
    api = documents("helm/api.yaml")[0]
    api["spec"]["template"]["spec"]["containers"][0]["readinessprobe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(api, KUBERNETES, strict=True)


def test_a_run_by_helms_values_is_a_job_that_kubernetes_takes() -> None:
    values = documents("helm/values.yaml")[0]
    launcher = values["runLauncher"]["config"]["k8sRunLauncher"]
    config = {
        "service_account_name": "dagster",
        "dagster_home": values["global"]["dagsterHome"],
        "instance_config_map": "dagster-instance",
        "postgres_password_secret": values["global"]["postgresqlSecretName"],
        "image_pull_policy": launcher["imagePullPolicy"],
        "load_incluster_config": launcher["loadInclusterConfig"],
        "env_secrets": [one["name"] for one in launcher["envSecrets"]],
        "env_vars": launcher["envVars"],
        "volumes": launcher["volumes"],
        "volume_mounts": launcher["volumeMounts"],
        "resources": launcher["resources"],
        "fail_pod_on_run_failure": launcher["failPodOnRunFailure"],
    }
    more = launcher["runK8sConfig"]
    run_config = {
        "pod_template_spec_metadata": more["podTemplateSpecMetadata"],
        "job_spec_config": more["jobSpecConfig"],
    }
    found = process_config(
        resolve_to_config_type(K8sRunLauncher.config_type()), {**config, "run_k8s_config": run_config}
    )
    assert found.success, found.errors
    of_jobs = {name: one for name, one in config.items() if name in DagsterK8sJobConfig._fields}
    job = construct_dagster_k8s_job(
        DagsterK8sJobConfig(**of_jobs, job_image="octopipe"),
        ["dagster", "api", "execute_run"],
        "run-1",
        user_defined_k8s_config=UserDefinedDagsterK8sConfig.from_dict(run_config),
    )
    made = ApiClient().sanitize_for_serialization(job)
    kubernetes_validate.validate({"apiVersion": "batch/v1", "kind": "Job", **made}, KUBERNETES, strict=True)


def test_the_code_server_of_helms_values_is_a_deployment_that_kubernetes_takes() -> None:
    """The parts of it that the chart copies as they are."""
    said = documents("helm/values.yaml")[0]["dagster-user-deployments"]["deployments"][0]
    container = {
        "name": said["name"],
        "image": f"{said['image']['repository']}:{said['image']['tag']}",
        "args": said["dagsterApiGrpcArgs"],
        "ports": [{"containerPort": said["port"]}],
        "env": said["env"],
        "envFrom": [{"secretRef": one} for one in said["envSecrets"]],
        "volumeMounts": said["volumeMounts"],
        "resources": said["resources"],
    }
    pod = {"containers": [container], "volumes": said["volumes"], "securityContext": said["podSecurityContext"]}
    labels = {"app": said["name"]}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    whole = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": said["name"]}, "spec": spec}
    kubernetes_validate.validate(whole, KUBERNETES, strict=True)


def test_the_image_has_what_the_settings_name() -> None:
    """A module that the instance's settings load is of an extra that the image installs."""
    extras = next(line for line in (DEPLOY / "Dockerfile").read_text().splitlines() if line.startswith("ARG EXTRAS="))
    values, settings = documents("helm/values.yaml")[0], documents("dagster.yaml")[0]
    needed = {"postgres"} if "postgres" in settings["storage"] else set()
    needed |= {"aws"} if settings["compute_logs"]["module"].startswith("dagster_aws") else set()
    needed |= {"k8s"} if values["runLauncher"]["type"].startswith("K8s") else set()
    assert needed == {"postgres", "aws", "k8s"}
    assert needed <= set(extras.partition("=")[2].split(","))
