"""The project folder: found, read with references replaced, profiles laid over it, mapping.yaml with its places."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octo_core.errors import SpecError, UsageError
from octo_core.spec.document import Position
from octo_core.spec.names import canonical_table_name, split_table_name, table_name
from octo_core.spec.substitution import Substitution
from octo_resources.pipeline import Pipeline
from octo_resources.project import Project
from tests.spec.conftest import BASE

Load = Callable[..., Pipeline]


def substituted(text: str, **environment: str) -> object:
    return Substitution(environment, {"n": 5, "on": True, "name": "eu"}, {"n": "7"})(text, Position("f", 1, 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${env:A}", "1"),
        ("x${env:A}y${env:B:-2}", "x1y2"),
        ("${env:NONE:-}", ""),
        ("${env:EMPTY:-d}", "d"),
        ("${env:U:-postgresql://a@b:5/c?d=e}", "postgresql://a@b:5/c?d=e"),
        ("${var:on}", True),
        ("${var:n}", 7),
        ("${var:n}d", "7d"),
        ("$${env:A}", "${env:A}"),
        ("${secret:env/X}", "${secret:env/X}"),
        ("$${secret:env/X}", "$${secret:env/X}"),
        ("$5 and {x}", "$5 and {x}"),
    ],
)
def test_references_are_replaced(text: str, expected: object) -> None:
    assert substituted(text, A="1", EMPTY="") == expected


def test_a_reference_that_leads_nowhere_is_a_mistake_at_its_place(mistakes: Callable[..., list[str]]) -> None:
    text = BASE.replace("in/orders.csv", "${env:OCTO_NOT_SET}/x") + "owner: ${vr:x}\ndescription: ${var:regoin}\n"
    found = mistakes(text, **{"octopipe.yaml": "vars: {region: eu}\n"})
    assert [message.split("  ")[0] for message in found] == ["2:30", "6:8", "7:14"]
    assert "OCTO_NOT_SET is not set" in found[0]
    assert "Did you mean 'region'?" in found[2]


DEEP = """\
vars: {d: "${var:c}/4", c: "${var:b}/3", b: "${var:a}/2", a: ${env:OCTO_NOT_SET:-/1}, keys: [id, "${var:a}"]}
profiles: {cloud: {vars: {a: /cloud}}}
"""


@pytest.mark.parametrize(
    ("hosting", "given", "path"),
    [("local", {}, "/1/2/3/4"), ("cloud", {}, "/cloud/2/3/4"), ("local", {"b": "/told"}, "/told/3/4")],
)
def test_variables_may_refer_to_variables_in_any_order(
    project: Callable[..., Project], hosting: str, given: dict[str, str], path: str
) -> None:
    text = BASE.replace("in/orders.csv", "${var:d}, key: ${var:keys}") + f"hosting: {hosting}\n"
    there = project({"pipelines/a/pipeline.yaml": text, "octopipe.yaml": DEEP})
    source = Project.at(there.root, variables=given).pipeline("a").spec.sources["orders"]
    assert (source.path, source.key[0]) == (path, "id")


def test_variables_that_stand_for_one_another_and_lists_in_a_text_are_mistakes(
    mistakes: Callable[..., list[str]],
) -> None:
    variables = "vars:\n  a: ${var:b}\n  b: x${var:a}\n  list: [1]\n  text: ${var:list}/x\n"
    assert mistakes(BASE, **{"octopipe.yaml": variables}) == [
        "2:6  the variables stand for one another: b → a → b",
        "3:6  the variables stand for one another: a → b → a",
        "5:9  ${var:list} is a list; it can be a whole value, and no part of a text",
    ]


def test_a_mapping_merges_what_its_base_merges(pipeline: Load) -> None:
    text = BASE.replace(
        "sources:\n",
        "sources:\n  a: &a {kind: file, path: a, format: csv}\n  b: &b {<<: *a, path: b}\n  c: {<<: [*b], key: [id]}\n",
    )
    found = pipeline(text.replace("public.orders:", "public.orders: {from: orders}")).spec.sources["c"]
    assert (found.path, found.format, found.key) == ("b", "csv", ("id",))


def test_a_few_lines_of_aliases_cannot_stand_for_millions_of_values(mistakes: Callable[..., list[str]]) -> None:
    lines = ["l0: &l0 [x]"] + [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
    found = mistakes("\n".join(lines) + "\n" + BASE)
    assert [message for message in found if "200,000" in message] == [
        "1:5  the file holds more than 200,000 values with what its aliases repeat"
    ]


def test_a_reference_in_a_flow_mapping_needs_no_quotes(pipeline: Load) -> None:
    found = pipeline(BASE.replace("url: postgresql://localhost/x", "url: ${secret:env/WAREHOUSE}, state_schema: s"))
    assert found.spec.destination is not None
    assert (found.spec.destination.url, found.spec.destination.state_schema) == ("${secret:env/WAREHOUSE}", "s")


def test_secrets_are_revealed_at_use_only(project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTO_PASSWORD", "hunter2-long")
    made = project({"secrets/token": "abc\n"})
    monkeypatch.setenv("OCTOPIPE_SECRETS_DIR", str(made.root / "secrets"))
    secrets = Project.at(made.root).secrets
    assert secrets.reveal("a:${secret:env/OCTO_PASSWORD}@${secret:file/token}") == "a:hunter2-long@abc"
    assert secrets.reveal("$${secret:env/OCTO_PASSWORD}") == "${secret:env/OCTO_PASSWORD}"
    with pytest.raises(UsageError, match="OCTO_NONE"):
        secrets.reveal("${secret:env/OCTO_NONE}")
    with pytest.raises(UsageError, match="points out of"):
        secrets.reveal("${secret:file/../pipelines}")


def test_dotenv_stands_below_the_environment(project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTO_B", "outside")
    made = project({".env": "OCTO_A='in file'\nOCTO_B=in file\n"})
    assert made.secrets.reveal("${secret:env/OCTO_A} ${secret:env/OCTO_B}") == "in file outside"


PROFILED = """\
vars: {region: eu, threads: 2}
landing: {path: here, keep: 3 d}
engine: {kind: duckdb, memory: 1 GB}
profiles:
  cloud: {landing: {path: there}, vars: {region: us}, engine: {threads: "${var:threads}"}}
"""


def test_a_profile_lies_over_the_rest(project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch) -> None:
    text = BASE + "description: ${var:region}\n"
    files = {
        "octopipe.yaml": PROFILED,
        "pipelines/a/pipeline.yaml": text,
        "pipelines/b/pipeline.yaml": text + "hosting: cloud\n",
    }
    made = project(files)
    assert (made.spec.landing.path, made.pipeline("a").spec.description) == ("here", "eu")
    cloud = made.pipeline("b")
    assert (cloud.settings.landing.path, cloud.settings.landing.keep.days, cloud.spec.description) == ("there", 3, "us")
    assert (cloud.engine.kind, cloud.engine.memory, cloud.engine.threads) == ("duckdb", 10**9, 2)
    monkeypatch.setenv("OCTOPIPE_PROFILE", "cloud")
    assert Project.at(made.root).spec.landing.path == "there"
    monkeypatch.setenv("OCTOPIPE_PROFILE", "clod")
    with pytest.raises(UsageError, match="Did you mean 'cloud'"):
        _ = Project.at(made.root).spec


def test_the_project_is_the_nearest_folder_upward(
    project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = project({"pipelines/a/pipeline.yaml": BASE})
    monkeypatch.delenv("OCTOPIPE_HOME", raising=False)
    monkeypatch.chdir(made.root / "pipelines" / "a")
    assert Project.find().root == made.root
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    with pytest.raises(UsageError, match="no Octopipe project"):
        Project.find()
    monkeypatch.setenv("OCTOPIPE_HOME", str(made.root))
    assert Project.find().pipeline_names() == ["a"]
    with pytest.raises(UsageError, match="no pipeline 'b'"):
        Project.find().pipeline("b")


MAPPING = """\
public.orders:
  a: parse_timestamp(x, '%Y')
  b: "lower(x)"   # quoted
  c: >
    upper(
     y)
  n: 007
  d: {unmapped: nothing says it}
  e: {values: {source: state, map: {A: active}, else: unknown}}
"""


def test_mapping_yaml_keeps_the_place_of_each_expression(pipeline: Load) -> None:
    columns = pipeline(BASE, **{"pipelines/a/mapping.yaml": MAPPING}).file_mapping["public.orders"]
    assert {name: (entry.expr, entry.position[1:]) for name, entry in columns.items() if entry.expr} == {
        "a": ("parse_timestamp(x, '%Y')", (2, 6)),
        "b": ("lower(x)", (3, 7)),
        "c": ("upper(\n y)", (5, 5)),
        "n": ("007", (7, 6)),
    }
    assert columns["d"].unmapped == "nothing says it"
    values = columns["e"].values
    assert values is not None
    assert (values.source, values.map, values.otherwise, values.has_else) == ("state", {"A": "active"}, "unknown", True)


def test_mistakes_of_mapping_yaml(project: Callable[..., Project]) -> None:
    text = "public.orders:\n  f:\n  g: {unmaped: x}\n  h: {values: {sorce: x}}\npublic.ordrs: {a: b}\n"
    made = project({"pipelines/a/pipeline.yaml": BASE, "pipelines/a/mapping.yaml": text})
    with pytest.raises(SpecError) as caught:
        made.pipeline("a")
    found = [f"{item.line}:{item.column}  {item.message}" for item in caught.value.mistakes]
    assert found[1] == "3:7  unknown key 'unmaped'. Did you mean 'unmapped'?"
    assert found[-1] == "5:1  the pipeline has no table 'public.ordrs'. Did you mean 'public.orders'?"
    assert len(found) == 6


def test_the_hash_sees_what_a_plan_depends_on_and_nothing_else(pipeline: Load) -> None:
    first = pipeline(BASE).text_hash
    assert pipeline("# a comment\n" + BASE + 'schedule: "0 6 * * *"\nowner: me\n').text_hash == first
    assert pipeline(BASE.replace("public.orders:", "public.orders: {write: append}")).text_hash != first
    assert pipeline(BASE, **{"pipelines/a/mapping.yaml": MAPPING}).text_hash != first


def test_a_place_of_the_file_is_found_under_the_canonical_name(pipeline: Load) -> None:
    found = pipeline(BASE.replace("public.orders:", '"\\"public\\".orders":\n    labels: {a: b}'))
    assert list(found.tables) == ["public.orders"]
    assert found.tables["public.orders"].from_ == "orders"
    place = found.position("tables", "public.orders", "labels", "a")
    assert (place.line, place.column) == (6, 14)


@given(st.text(min_size=1).filter(lambda t: "\x00" not in t), st.text(min_size=1).filter(lambda t: "\x00" not in t))
def test_a_tables_name_is_read_as_it_is_written(schema: str, table: str) -> None:
    name = table_name(schema, table)
    assert split_table_name(name) == (schema, table)
    assert canonical_table_name(name) == name


def test_the_spec_is_frozen_and_paths_stay_text(pipeline: Load) -> None:
    found = pipeline(BASE)
    assert isinstance(found.folder, Path)
    assert found.source()[0] == "orders"
    with pytest.raises(UsageError, match="Did you mean 'orders'"):
        found.source("ordrs")
