"""Opening: made once by whoever comes first, the same as the code's tables, refused when made by a newer version."""

import multiprocessing
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from octo_core.errors import RegistryError, UsageError
from octo_resources.registry import Registry
from octo_resources.registry.migration import REVISIONS


def _open(url: str, state: str, go: object, answers: object) -> None:
    go.wait()  # type: ignore[attr-defined]  # a multiprocessing Event
    try:
        registry = Registry.open(url, Path(state))
        answers.put(str(len(registry.decisions.all())))  # type: ignore[attr-defined]
    except Exception as problem:  # noqa: BLE001  # shown by the assertion
        answers.put(repr(problem))  # type: ignore[attr-defined]


def test_processes_that_open_a_new_registry_at_once_do_not_collide(fresh_url: str, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    go, answers = context.Event(), context.Queue()
    workers = [context.Process(target=_open, args=(fresh_url, str(tmp_path), go, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    go.set()
    assert [answers.get(timeout=60) for _ in workers] == ["0"] * 2
    for worker in workers:
        worker.join()


def test_the_migrations_make_the_tables_that_the_code_knows(registry: Registry) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from octo_resources.registry.tables import METADATA

    with registry.database.write() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_the_code_knows_every_migration_that_there_is() -> None:
    from alembic.script import ScriptDirectory

    from octo_resources.registry import migration

    scripts = ScriptDirectory(str(Path(migration.__file__).parent / "migrations"))
    assert tuple(reversed([one.revision for one in scripts.walk_revisions()])) == REVISIONS


def test_a_registry_of_a_newer_version_is_refused(registry: Registry, url: str, tmp_path: Path) -> None:
    import sqlalchemy as sa

    with registry.database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RegistryError, match=r"newer version \(9999\)") as refused:
        Registry.open(url, tmp_path)
    assert "Install the octopipe that made it" in str(refused.value)


def test_sqlite_keeps_its_promises(tmp_path: Path) -> None:
    registry = Registry.open("sqlite", tmp_path)
    with registry.database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert int(connection.exec_driver_sql("PRAGMA busy_timeout").scalar() or 0) >= 10_000


def test_a_half_made_registry_of_a_killed_process_is_made_anew(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "registry.db.new")) as left:
        left.execute("CREATE TABLE decision (x)")
    assert Registry.open("sqlite", tmp_path).decisions.all() == ()


def test_a_postgres_registry_shares_its_database_with_others(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num text)")
        connection.execute("INSERT INTO alembic_version VALUES ('dagster')")
    registry = Registry.open(postgres_url, tmp_path)
    assert registry.decisions.all() == ()
    registry.close()
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT version_num FROM public.alembic_version").fetchall() == [("dagster",)]


def test_opening_an_up_to_date_registry_imports_no_alembic(tmp_path: Path) -> None:
    Registry.open("sqlite", tmp_path)
    code = (
        "import sys; from pathlib import Path; from octo_resources.registry import Registry;"
        f"Registry.open('sqlite', Path({str(tmp_path)!r})).decisions.all();"
        "print([name for name in ('alembic', 'psycopg', 'duckdb', 'dagster', 'sqlglot') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("url", ["mysql://u:hidden@h/d", "postgresql", "sqlite://", "sqlite:///:memory:", ""])
def test_another_kind_of_address_is_refused_without_being_repeated(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither `sqlite` nor a PostgreSQL URL") as refused:
        Registry.open(url, tmp_path)
    assert "hidden" not in str(refused.value)


def test_an_unreachable_registry_says_so_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="cannot be used") as refused:
        Registry.open("postgresql://me:hidden@127.0.0.1:1/none", tmp_path)
    assert "hidden" not in str(refused.value)


def test_a_file_that_is_no_registry_is_refused(tmp_path: Path) -> None:
    (tmp_path / "registry.db").write_bytes(b"no database at all, but long enough to be read as one" * 40)
    with pytest.raises(RegistryError, match="file is not a database"):
        Registry.open("sqlite", tmp_path)
