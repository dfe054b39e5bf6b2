"""Code locations: broken files, names that clash, a foreign one, what a run's process builds, storage in production."""

import importlib
import multiprocessing
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest
import yaml
from dagster._core.instance.config import dagster_instance_config
from dagster._core.instance.ref import InstanceRef
from dagster_shared.serdes import serialize_value

from octo_assets.component import project_definitions
from octo_assets.names import table_keys
from octo_assets.selection import ONLY
from tests.dagster.conftest import PIPELINE, Shop

DEPLOY = Path(__file__).parents[2] / "deploy"


def keys(defs: dg.Definitions) -> set[str]:
    return {spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()}


def add(shop: Shop, name: str, text: str) -> None:
    (shop.root / "pipelines" / name).mkdir()
    (shop.root / "pipelines" / name / "pipeline.yaml").write_text(text)


def test_a_broken_file_shows_as_one_asset_and_leaves_the_others_alone(shop: Shop) -> None:
    add(shop, "broken", "sources: {a: {kind: file, path: x}}\nschedle: daily\n")
    defs = project_definitions(shop.project)
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    assert "schedle" in str(specs["broken/mapping"].description)
    assert "shops/public/shop" in specs
    assert not any(key.startswith("broken/raw") for key in specs)


def test_an_asset_key_that_another_pipeline_has_breaks_only_the_second(shop: Shop) -> None:
    taken = PIPELINE.format(url=shop.url).replace(
        "    key: [id]", "    key: [id]\n    asset_key: [shops, public, shop]"
    )
    add(shop, "twin", taken)
    specs = {spec.key.to_user_string(): spec for spec in project_definitions(shop.project).resolve_all_asset_specs()}
    assert "already made by shops" in str(specs["twin/mapping"].description)
    assert "shops/public/shop" in specs


def test_a_table_with_the_name_of_a_source_keeps_a_key_of_its_own(shop: Shop) -> None:
    add(shop, "clash", PIPELINE.format(url=shop.url).replace("public.shop", "raw.shops"))
    spec = shop.project.pipeline("clash").spec
    assert table_keys(spec) == {"raw.shops": dg.AssetKey(["clash", "table", "raw", "shops"])}
    assert "clash/table/raw/shops" in keys(project_definitions(shop.project))


def test_owner_tags_group_and_kinds_reach_the_assets_in_signs_that_dagster_takes(shop: Shop) -> None:
    add(shop, "team", PIPELINE.format(url=shop.url).replace("data@example.com", "Data Team"))
    specs = {spec.key.to_user_string(): spec for spec in project_definitions(shop.project).resolve_all_asset_specs()}
    table, raw = specs["team/public/shop"], specs["shops/raw/shops"]
    assert list(table.owners) == ["team:Data Team"]
    assert list(raw.owners) == ["data@example.com"]
    assert raw.tags["domain"] == "reference_data"
    assert raw.group_name == "shops"
    assert raw.kinds == {"file"}
    assert table.kinds == {"duckdb", "postgres"}
    assert table.metadata["dagster/table_name"] == "public.shop"


def test_only_the_pipelines_named_in_the_environment_are_built(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    add(shop, "other", PIPELINE.format(url=shop.url))
    monkeypatch.setenv(ONLY, "other")
    assert {key.split("/")[0] for key in keys(project_definitions(shop.project))} == {"other"}


@pytest.mark.parametrize("by", ["a command", "the code server"])
@pytest.mark.parametrize(
    ("selected", "built"),
    [(["other", "mapping"], {"other"}), (["elsewhere", "table"], {"shops", "other"}), (None, {"shops", "other"})],
)
def test_the_process_of_a_run_builds_only_what_its_run_is_about(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, selected: list[str] | None, built: set[str], by: str
) -> None:
    from dagster._core.code_pointer import ModuleCodePointer
    from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
    from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteRepositoryOrigin
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
    from dagster._grpc.types import ExecuteExternalJobArgs, ExecuteRunArgs

    add(shop, "other", PIPELINE.format(url=shop.url))
    home = tmp_path / "home"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        run = dg.DagsterRun(job_name="load", asset_selection=frozenset({dg.AssetKey(selected)}) if selected else None)
        instance.add_run(run)
        repository = RepositoryPythonOrigin(sys.executable, ModuleCodePointer("octo_assets.definitions", "defs"))
        if by == "a command":
            told = ExecuteRunArgs(JobPythonOrigin("load", repository), run.run_id, instance.get_ref())
            monkeypatch.setattr(sys, "argv", ["dagster", "api", "execute_run", serialize_value(told)])
        else:  # which starts a child of its own, as multiprocessing does
            location = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="octo_assets.definitions"))
            origin = RemoteRepositoryOrigin(location, "__repository__").get_job_origin("load")
            arguments = ExecuteExternalJobArgs(job_origin=origin, run_id=run.run_id, instance_ref=instance.get_ref())
            started = [serialize_value(arguments), repository]
            monkeypatch.setattr(multiprocessing.current_process(), "_args", started, raising=False)
        assert {key.split("/")[0] for key in keys(project_definitions(shop.project))} == built


@pytest.fixture
def foreign(tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A code location of somebody else's, with an asset of its own and a defs.yaml of ours."""
    root = tmp_path / "theirs"
    ours = root / "their_location" / "defs" / "octopipe"
    ours.mkdir(parents=True)
    (root / "their_location" / "__init__.py").touch()
    (root / "their_location" / "defs" / "__init__.py").touch()
    (root / "their_location" / "defs" / "report.py").write_text(
        'import dagster as dg\n\n\n@dg.asset(deps=[["shops", "public", "shop"]])\ndef report():\n    pass\n'
    )
    (ours / "defs.yaml").write_text(
        f"type: octo_assets.component.OctopipeProject\nattributes:\n  project: {shop.root}\n  pipelines: [shops]\n"
    )
    (root / "pyproject.toml").write_text(
        '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "their_location"\n'
    )
    monkeypatch.syspath_prepend(str(root))
    yield root / "their_location"
    for name in [name for name in sys.modules if name.startswith("their_location")]:
        del sys.modules[name]


def test_a_code_server_builds_the_definitions_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from octo_assets import definitions

    bytecode = Path(definitions.__file__).parent / "defs" / "__pycache__"
    bytecode.mkdir(exist_ok=True)
    (bytecode / "empty.cpython-311.pyc").touch()  # of an installed package; no component
    monkeypatch.setenv("OCTOPIPE_HOME", str(shop.root))
    monkeypatch.setattr(sys, "argv", ["dagster", "api", "grpc"])
    try:
        first = definitions.defs()
        assert definitions.defs() is first
        assert "shops/public/shop" in keys(first)
    finally:
        (bytecode / "empty.cpython-311.pyc").unlink()
        definitions._served_pipelines.cache_clear()
    monkeypatch.setattr(sys, "argv", ["octopipe"])
    assert definitions.defs() is not definitions.defs()


@pytest.mark.filterwarnings("ignore")  # Dagster looks into every library installed, and some of them warn
def test_a_foreign_code_location_takes_the_pipelines_in_by_a_defs_yaml(foreign: Path, shop: Shop) -> None:
    importlib.invalidate_caches()
    defs = dg.load_from_defs_folder(path_within_project=foreign)
    assert {"report", "shops/public/shop", "shops/approved_mapping"} <= keys(defs)
    assert {job.name for job in defs.resolve_all_job_defs()} >= {"load", "propose"}
    assert defs.resolve_sensor_def("load_when_approved").default_status == dg.DefaultSensorStatus.RUNNING


def test_a_pipeline_runs_on_an_instance_whose_storage_is_postgresql(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_server: object
) -> None:
    server, name = shop.url.rpartition("/")[::2]
    database = f"{name}_dagster"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database}"'.encode())
    host, port = server.rpartition("@")[2].split(":")
    monkeypatch.setenv("DAGSTER_PG_HOST", host)
    monkeypatch.setenv("DAGSTER_PG_PORT", port)
    monkeypatch.setenv("DAGSTER_PG_USER", "postgres")
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", "unused")
    monkeypatch.setenv("DAGSTER_PG_DB", database)
    settings = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    del settings["compute_logs"]  # no S3 here; tested below
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings))
    with dg.DagsterInstance.from_config(str(home)) as instance:
        shop.instance = instance
        assert shop.approved().run().success
        assert len(shop.rows()) == 200
    with psycopg.connect(f"{server}/{database}") as connection:
        found = connection.execute("SELECT count(*) FROM runs WHERE status = 'SUCCESS'").fetchone()
    assert found == (3,)


def test_the_settings_for_production_hold_with_logs_on_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster_aws.s3.compute_log_manager import S3ComputeLogManager

    monkeypatch.setenv("DAGSTER_LOGS_BUCKET", "logs")
    monkeypatch.setenv("DAGSTER_LOGS_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    (tmp_path / "dagster.yaml").write_text((DEPLOY / "dagster.yaml").read_text())
    dagster_instance_config(str(tmp_path))  # raises where an entry is wrong
    ref = InstanceRef.from_dir(str(tmp_path))
    assert isinstance(ref.compute_log_manager, S3ComputeLogManager)
