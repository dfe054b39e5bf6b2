"""`records`: a pipeline's landed or live records as instances of models, at run time and for a type checker."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

from octo_core.errors import SourceError, UsageError
from octo_resources.flow import Workspace, land, schemas
from octo_resources.project import Project
from octo_resources.typed import contract_module, records
from tests.flow.shop import Shop, sales

PIPELINE = """version: 1
sources:
  orders: {kind: file, path: in/*.csv}
  people: {kind: file, path: in/*.jsonl}
destination: {kind: postgres, url: "postgresql://nobody@127.0.0.1:1/none"}
tables:
  public.orders: {from: orders}
"""
ORDERS = "id;day;price\n1;13/01/2021;1.234,50\n2;14/01/2021;\n"
PEOPLE = '{"name": "Ana", "age": 30, "who": {"tags": ["a"]}}\n{"name": "Bo", "age": 31.0, "who": null}\n'
USE = """from datetime import date
from decimal import Decimal
from typing import assert_type
from models import Orders, People
from octo_resources.typed import records

for order in records("shop", Orders, "orders"):
    assert_type(order, Orders)
    assert_type(order.day, date)
    assert_type(order.price, Decimal | None)
for person in records("shop", People, "people", live=True, invalid="skip"):
    assert_type(person.who.tags if person.who else None, list[str | None] | None)
records("shop", dict)  # a mistake
records("shop", Orders, invalid="no")  # another
"""


MYPY = """[mypy]
strict = true
plugins = pydantic.mypy
follow_imports = silent
[mypy-octo_core.*,octo_resources.flow.*,octo_resources.project,octo_resources.sampling,octo_resources.sources.*]
follow_imports = skip
[mypy-octo_resources.landing.*]
follow_imports = skip
"""
"""What `records` is made of is none of its caller's business, and takes a minute to read."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("OCTOPIPE_HOME", raising=False)
    folder = tmp_path / "pipelines" / "shop"
    folder.mkdir(parents=True)
    (folder / "pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text(ORDERS)
    (tmp_path / "in" / "a.jsonl").write_text(PEOPLE)
    return Project.at(tmp_path)


@pytest.fixture
def models(project: Project) -> Iterator[ModuleType]:
    """The module that `octopipe schema shop --pydantic --strict` prints, as models.py of the project."""
    space = Workspace(project)
    pipeline = project.pipeline("shop")
    text = contract_module(space, pipeline, schemas(space, pipeline), strict=True)
    (project.root / "models.py").write_text(text)
    spec = importlib.util.spec_from_file_location("models", project.root / "models.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["models"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["models"]


def test_landed_records_come_typed(project: Project, models: ModuleType) -> None:
    land(Workspace(project), project.pipeline("shop"))
    first, second = records("shop", models.Orders, "orders", home=project.root)
    assert (first.id, first.day, first.price) == (1, date(2021, 1, 13), Decimal("1234.50"))
    assert second.price is None
    ana, bo = records("shop", models.People, "people", home=project.root)
    assert (ana.who.tags, bo.age, bo.who) == (["a"], 31, None)


def test_live_records_are_read_now_and_land_nothing(project: Project, models: ModuleType) -> None:
    (project.root / "in" / "b.csv").write_text("id;day;price\n3;15/01/2021;7,5\n")
    found = [order.id for order in records("shop", models.Orders, "orders", live=True, home=project.root)]
    assert found == [1, 2, 3]
    assert [order.id for order in records("shop", models.Orders, "orders", home=project.root)] == [1, 2]


def test_values_of_fields_that_feed_personal_columns_are_not_in_the_models(shop: Shop) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 31)))
    shop.plan()
    assert "Literal[" in state_of(shop)
    shop.sales_pipeline(table={"labels": {"status": {"label": "how it stands", "pii": True}}})
    shop.plan()
    assert "ParsedBy(" in state_of(shop)
    assert "Literal[" not in state_of(shop)


def test_once_there_is_a_plan_the_models_judge_what_its_tables_read(shop: Shop) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", [{**one, "weight": 1.5} for one in sales(range(1, 31))])
    before = contract_module(shop.space, shop.pipeline(), schemas(shop.space, shop.pipeline()))
    assert "judged" not in before
    shop.plan()
    text = contract_module(shop.space, shop.pipeline(), schemas(shop.space, shop.pipeline()))
    assert [line.split(":")[0].strip() for line in text.splitlines() if "judged" in line] == ["weight"]
    assert 'weight: Annotated[Annotated[Decimal | Any, ParsedBy("decimal(18,2)", judged=False)]' in text


def test_where_no_plan_fits_what_is_typed_now_every_field_is_judged(shop: Shop) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", [{**one, "weight": 1.5} for one in sales(range(1, 31))])
    shop.plan()
    known = schemas(shop.space, shop.pipeline())["sales"]
    fewer = known.model_copy(update={"fields": tuple(one for one in known.fields if one.name != "total")})
    shop.registry.schemas.save("sales", fewer, part="sales", inputs="other")
    assert "judged" not in contract_module(shop.space, shop.pipeline(), {"sales": fewer})


def state_of(shop: Shop) -> str:
    """How the model of the sales reads their field `state`."""
    text = contract_module(shop.space, shop.pipeline(), schemas(shop.space, shop.pipeline()))
    return text.partition(" state: ")[2].partition("Field(")[0]


def test_where_nothing_landed_it_is_said(project: Project) -> None:
    with pytest.raises(SourceError, match="nothing landed from 'orders'"):
        list(records("shop", BaseModel, "orders", home=project.root))


def test_what_the_model_refuses_is_raised_or_skipped(project: Project, models: ModuleType) -> None:
    (project.root / "in" / "b.jsonl").write_text('{"name": "Cy", "age": "old"}\n{"name": \n{"name": "Di", "age": 4}\n')
    both = {"live": True, "home": project.root}
    seen = []
    with pytest.raises(SourceError, match=r"b.jsonl, record 1: People refuses the record: age: .*no decimal"):
        seen.extend(person.name for person in records("shop", models.People, "people", **both))
    kept = [person.name for person in records("shop", models.People, "people", invalid="skip", **both)]
    assert kept == ["Ana", "Bo", "Di"]


@pytest.mark.parametrize(
    ("line", "why"),
    [('{"name": NaN}', "NaN is no JSON"), ('{"age": Infinity}', "Infinity is no JSON"),
     ('{"age": ' + "[" * 100_000, "deeply"),
     ('{"age": 1, "age": 2}', "a key stands twice"), ('{"who": {"a": 1, "a": 2}}', "a key stands twice"),
     ('{"name": "half', "control character")],
)  # fmt: skip
def test_a_record_that_a_load_sets_aside_as_malformed_is_none(
    project: Project, models: ModuleType, line: str, why: str
) -> None:
    (project.root / "in" / "broken.jsonl").write_text(f'{{"name": "Cy", "age": 7}}\n{line}\n')
    with pytest.raises(SourceError, match=f"the record is malformed: .*{why}"):
        list(records("shop", models.People, "people", live=True, home=project.root))
    skipped = records("shop", models.People, "people", live=True, invalid="skip", home=project.root)
    assert sorted(one.name for one in skipped) == ["Ana", "Bo", "Cy"]


def test_any_model_of_yours_does(project: Project) -> None:
    class Name(BaseModel):
        name: str

    found = list(records("shop", Name, "people", live=True, home=project.root))
    assert found == [Name(name="Ana"), Name(name="Bo")]


def test_a_wrong_name_is_said_at_once(project: Project) -> None:
    with pytest.raises(UsageError, match="several sources"):
        records("shop", BaseModel, home=project.root)
    with pytest.raises(UsageError, match="no source 'order'"):
        records("shop", BaseModel, "order", home=project.root)
    with pytest.raises(UsageError, match="neither 'raise' nor 'skip'"):
        records("shop", BaseModel, "orders", invalid="no", home=project.root)  # type: ignore[arg-type]  # on purpose


def test_a_type_checker_knows_what_comes(project: Project, models: ModuleType) -> None:
    (project.root / "use.py").write_text(USE)
    config = project.root / "mypy.ini"
    config.write_text(MYPY)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", config, "--no-incremental", "models.py", "use.py"],
        cwd=project.root, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    lines = [line for line in checked.stdout.splitlines() if "error:" in line]
    assert [line.split(":")[:2] for line in lines] == [["use.py", "13"], ["use.py", "14"]], checked.stdout
