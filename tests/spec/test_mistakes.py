"""Mistakes in pipeline files: every one at once, each at its place, with the nearest name."""

from collections.abc import Callable

import pytest

from octo_core.errors import SpecError
from octo_resources.project import Project
from tests.spec.conftest import BASE

Mistakes = Callable[..., list[str]]

MANY = """\
version: 1
schedle: "0 6 * * *"
sources:
  flights:
    kind: rset
    url: x
  orders:
    kind: file
    path: in.csv
    options: {delimeter: ";"}
    records: a
    path: b.csv
  api: {kind: rest, url: "https://x.example", auth: {kind: beerer}, pages: {kind: page, sise: 3}, rate: fast}
destination:
  kind: postgres
tables:
  flight: {from: flights}
  public.a: {from: ordrs, labels: {x: {label: a, pi: true}}}
  public.b: {from: orders, write: mrge}
schedule: {cron: "61 6 * * *", timezone: Europe/Madird}
retries: {max: lots}
engine: {kind: spark, master: "lokal[2]"}
"""


def test_all_mistakes_come_at_once_with_their_places_and_the_nearest_names(mistakes: Mistakes) -> None:
    assert mistakes(MANY) == [
        "2:1  unknown key 'schedle'. Did you mean 'schedule'?",
        "5:11  sources.flights.kind: 'rset' is no kind of source. Did you mean 'rest'?",
        "10:15  unknown key 'delimeter'. Did you mean 'delimiter'?",
        "11:5  unknown key 'records'. Known: cursor, description, endpoint, fields, format, key, kind, landing,"
        " options, path, sample.",
        "12:5  key 'path' is there already, on line 9; keep one of the two",
        "13:60  sources.api.auth.kind: 'beerer' is no kind of authentication. Did you mean 'bearer'?",
        "13:89  unknown key 'sise'. Did you mean 'size'?",
        "13:105  sources.api.rate: 'fast' is no rate; write for example 10/s or 600/min",
        "14:1  destination: 'url' is missing",
        "17:3  tables.flight: 'flight' is no table's name: write schema.table, for example public.flight",
        "18:20  from: there is no source 'ordrs'. Did you mean 'orders'?",
        "18:50  unknown key 'pi'. Did you mean 'pii'?",
        "19:35  tables.public.b.write: 'mrge' is not one of 'append', 'merge', 'replace', 'history'."
        " Did you mean 'merge'?",
        "20:18  schedule.cron: '61 6 * * *' is no cron schedule; write five fields, for example '15 6 * * *'"
        " (06:15 each day)",
        "20:42  schedule.timezone: 'Europe/Madird' is no time zone. Did you mean 'Europe/Madrid'?",
        "21:16  retries.max: must be a whole number, and 'lots' is none",
        "22:31  engine.master: Spark knows no master 'lokal[2]'; write local[N], local[*], spark://HOST:PORT, yarn or"
        " k8s://…",
    ]


def test_a_broken_only_source_and_destination_hide_nothing_else(mistakes: Mistakes) -> None:
    text = """\
sources:
  orders: {kind: fil, path: in.csv}
destination: {kind: postgrs, url: x}
tables:
  public.a: {from: ordrs, labels: {x: {label: [a]}}, after: [gone.sql], to: lake}
needs: [b]
hosting: cloud
"""
    assert mistakes(text) == [
        "2:18  sources.orders.kind: 'fil' is no kind of source. Did you mean 'file'?",
        "3:21  destination.kind: 'postgrs' is not one of 'postgres', 'duckdb', 'sqlite', 'mysql', 'files', 'bigquery',"
        " 'snowflake', 'redshift'. Did you mean 'postgres'?",
        "5:20  from: there is no source 'ordrs'. Did you mean 'orders'?",
        "5:47  tables.public.a.labels.x.label: must be text, and a list is none",
        "5:61  'after' is not supported yet (docs/limits.md)",
        "5:62  after: the pipeline's folder has no file 'gone.sql'",
        "5:77  to: no destination is called 'lake'. There is only 'destination'.",
        "6:9  needs: there is no pipeline 'b'.",
        "7:10  hosting: octopipe.yaml has no profile 'cloud'. Known: local.",
    ]


@pytest.mark.parametrize("broken", ["sources: 3\n", "sources: {}\n", ""])
def test_a_file_without_sources_has_its_other_parts_checked(mistakes: Mistakes, broken: str) -> None:
    rest = "destination: {kind: postgres, url: x}\ntables: {public.a: {after: [gone.sql]}}\nneeds: [b]\n"
    found = "\n".join(mistakes(broken + rest))
    assert "sources" in found
    assert "has no file 'gone.sql'" in found
    assert "there is no pipeline 'b'" in found


def test_an_unknown_table_hides_no_mistake_of_the_mapping_file(project: Callable[..., Project]) -> None:
    mapping = """\
public.ordrs:
  a: {unmappd: x}
public.orders:
  b: {unmapped: ''}
flight:
  c: {values: {source: x}}
"""
    made = project({"pipelines/a/pipeline.yaml": BASE, "pipelines/a/mapping.yaml": mapping})
    with pytest.raises(SpecError) as caught:
        made.pipeline("a")
    assert [f"{item.line}:{item.column}  {item.message}" for item in caught.value.mistakes] == [
        "1:1  the pipeline has no table 'public.ordrs'. Did you mean 'public.orders'?",
        "2:7  unknown key 'unmappd'. Did you mean 'unmapped'?",
        "4:17  b: say why it is left unmapped",
        "5:1  'flight' is no table's name: write schema.table, for example public.flight",
        "6:7  values: 'map' is missing",
    ]


def test_the_error_reads_as_lines_of_an_editor(project: Callable[..., Project]) -> None:
    made = project({"pipelines/flights/pipeline.yaml": BASE + 'schedle: "0 6 * * *"\n'})
    with pytest.raises(SpecError) as caught:
        made.pipeline("flights")
    assert str(caught.value).splitlines() == [
        "pipelines/flights/pipeline.yaml:6:1  unknown key 'schedle'. Did you mean 'schedule'?",
        "1 mistake; nothing was changed.",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: b: c\n", "1:5  not valid YAML: mapping values are not allowed in this context"),
        ("sources:\n\tx: 1\n", "2:1  not valid YAML: a tab cannot indent a line; use spaces"),
        ("- a\n", "1:1  must be a mapping (key: value)"),
        ("", "1:1  the file is empty"),
        ("sources: !secret x\n", "1:10  the tag '!secret' means nothing here"),
    ],
)
def test_what_is_no_mapping_in_yaml(mistakes: Mistakes, text: str, expected: str) -> None:
    assert expected in mistakes(text)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("name: a\n", "unknown key 'name'"),
        ("needs: [b]\n", "there is no pipeline 'b'"),
        ("needs: [a]\n", "wait for one another: a → a"),
        ("hosting: cloud\n", "octopipe.yaml has no profile 'cloud'"),
        ("destinations: {x: {kind: postgres, url: x}}\n", "give either 'destination' or 'destinations'"),
        ("quarantine: {max_ratio: 1.5}\n", "less than or equal to 1"),
        ("retries: {delay: soon}\n", "'soon' is no duration"),
        ("owner:\n  - a\n", "owner: must be text, and a list is none"),
        ("version: 2\n", "version: 2 is not one of 1"),
        ("engine: {kind: duckdb, master: 'local[2]'}\n", "engine.master is Spark's"),
        ("engine: {kind: duckdb, conf: {spark.x: 1}}\n", "engine.conf is Spark's"),
        ("limits: {time: 0 s}\n", "no run ends in 0 s"),
        ("monitors: {freshness: 0 s}\n", "no table is 0 s old"),
    ],
)
def test_what_one_line_more_breaks(mistakes: Mistakes, change: str, expected: str) -> None:
    found = mistakes(BASE + change)
    assert any(expected in message for message in found), found


@pytest.mark.parametrize("other", ["a b", "a-b", "a.b", "á_b"])
def test_sources_that_dagster_would_not_tell_apart_are_refused(mistakes: Mistakes, other: str) -> None:
    two = f"sources:\n  a_b: {{kind: file, path: x}}\n  {other}: {{kind: file, path: y}}\n"
    text = two + "destination: {kind: postgres, url: x}\ntables: {public.a: {from: a_b}}\n"
    [found] = mistakes(text)
    assert f"'{other}' and 'a_b' are one name to Dagster" in found


def test_a_cursor_of_files_would_do_nothing(mistakes: Mistakes) -> None:
    [found] = mistakes(BASE.replace("path: in/orders.csv", "path: x, cursor: {field: id}"))
    assert "cursor: files are read whole" in found


SOURCE = "sources: {orders: {kind: sql, url: x, table: o, cursor: {field: id, lag: 2 h}}}\n"
HEAD = SOURCE + "destination: {kind: postgres, url: x}\n"


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("{write: append}", "'append' without a key"),
        ("{write: replace}", "'replace' needs the whole source"),
        ("{deletes: {mark: gone, found_by: absence}}", "what is absent shows only in full reads"),
        ("{deletes: {mark: gone}, write: replace}", "rows are marked with write: merge, and this is replace"),
        ("{deletes: {mark: gone}, from: {source: orders, each: items}}", "tombstones are records of a source itself"),
        ("{to: lake}", "no destination is called 'lake'"),
        ("{from: {sqk: x}}", "name a source, or write"),
    ],
)
def test_what_cannot_go_together(mistakes: Mistakes, table: str, expected: str) -> None:
    found = mistakes(f"{HEAD}tables: {{public.a: {table}}}\n")
    assert any(expected in message for message in found), found


def test_append_with_a_lag_and_a_key_is_fine(mistakes: Mistakes) -> None:
    assert mistakes(f"{HEAD}tables: {{public.a: {{write: append, key: id}}}}\n") == []


KAFKA = BASE.replace("kind: file, path: in/orders.csv", "kind: kafka, brokers: 'a:1, b:2', topic: flights")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (KAFKA.replace("topic: flights", "topic: flights, format: avro"), "schema_registry is missing"),
        (KAFKA.replace("topic: flights", "topic: flights, format: csv"), "options.columns is missing"),
        (KAFKA.replace("topic: flights", "topic: flights, landing: reference"), "messages cannot be referred to"),
        (KAFKA.replace("topic: flights", "topic: flights, start: yesterday"), "neither earliest nor latest nor a time"),
        (KAFKA.replace("public.orders:", "public.orders: {write: replace}"), "a run reads only what is new in topic"),
        (BASE + "transport: {kafka: batches}\n", "brokers is missing: no source of the pipeline reads from Kafka"),
        (KAFKA + "transport: {kafka: b, settings: {linger.ms: 5}}\n", "settings: without `brokers` those of the first"),
        (
            KAFKA.replace("orders: {", "pushed: {kind: push, to: {topic: t, security: {tls: true}}}\n  orders: {"),
            "2:49  security: without",
        ),
    ],
)
def test_what_a_topic_needs_is_asked_for(mistakes: Mistakes, text: str, expected: str) -> None:
    assert mistakes(KAFKA) == []
    [found] = mistakes(text)
    assert expected in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BASE.replace("kind: file, path: in/orders.csv", "kind: singer, tap: x"), "of kind 'singer'"),
        (BASE.replace("kind: postgres", "kind: snowflake"), "of kind 'snowflake'"),
        (BASE.replace("public.orders:", "public.orders: {write: history}"), "'write: history'"),
        (BASE.replace("public.orders:", "public.orders: {create: true}"), "'create: true'"),
        (BASE.replace("public.orders:", "public.orders: {from: {sql: join.sql}}"), "'from: {sql: …}'"),
        (BASE + "monitors: {timeliness: 30 min}\n", "the monitor 'timeliness'"),
        (BASE + "monitors: {anomaly: {metrics: [inserts]}}\n", "the monitor 'anomaly'"),
        (BASE + "owner: ${secret:vault/x}\n", "the secret store 'vault'"),
    ],
)
def test_what_is_not_built_yet_says_so_where_it_stands(mistakes: Mistakes, text: str, expected: str) -> None:
    assert [message for message in mistakes(text) if f"{expected} is not supported yet (docs/limits.md)" in message]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("notify: {routes: [{to: 'mailto://ana@airline.example'}]}\n", "octopipe.yaml:1:18  'notify'"),
    ],
)
def test_the_project_file_says_so_too(project: Callable[..., Project], text: str, expected: str) -> None:
    made = project({"octopipe.yaml": text})
    assert [str(one) for one in made.mistakes()] == [f"{expected} is not supported yet (docs/limits.md)"]


def test_a_pipeline_in_json_has_places_too(project: Callable[..., Project]) -> None:
    text = (
        '{\n\t"sources": {"o": {"kind": "file", "path": "\\ud83d\\ude00.csv"}},\n'
        '\t"destination": {"kind": "postgres", "url": "x"},\n\t"tables": {"public.o": {"writ": "append"}}\n}\n'
    )
    made = project({"pipelines/a/pipeline.json": text})
    with pytest.raises(SpecError) as caught:
        made.pipeline("a")
    assert [str(item) for item in caught.value.mistakes] == [
        "pipelines/a/pipeline.json:4:26  unknown key 'writ'. Did you mean 'write'?"
    ]


def test_a_cycle_of_needs_is_spelled_out(project: Callable[..., Project]) -> None:
    made = project(
        {
            "pipelines/a/pipeline.yaml": BASE + "needs: b\n",
            "pipelines/b/pipeline.yaml": BASE + "needs: [c]\n",
            "pipelines/c/pipeline.yaml": BASE + "needs: [a]\n",
        }
    )
    with pytest.raises(SpecError, match="a → b → c → a"):
        made.pipeline("a")


def test_the_projects_rule_for_names_holds(project: Callable[..., Project]) -> None:
    made = project({"pipelines/a/pipeline.yaml": BASE, "octopipe.yaml": 'rules: {names: "^load_"}\n'})
    with pytest.raises(SpecError, match=r"the name 'a' does not keep rules\.names"):
        made.pipeline("a")


TWO = """\
sources:
  orders: {kind: file, path: a}
  people: {kind: file, path: b}
destination: {kind: postgres, url: x}
tables:
  public.a: {from: orders}
  public.b:
    from: FROM
"""


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("{source: ordrs, each: items}", "8:20  from: there is no source 'ordrs'. Did you mean 'orders'?"),
        ("{source: orders, each: items..x}", "8:34  tables.public.b.from.each: 'items..x' is no path of a list"),
        ("{source: orders, each: items, key: id}", "8:41  unknown key 'key'."),
        ("{sql: x.sql, union: [orders, people]}", "8:24  'union' does not go with the keys beside it"),
        ("{union: [orders, peple]}", "8:28  from: there is no source 'peple'. Did you mean 'people'?"),
        ("{union: [orders, orders]}", "8:28  from: 'orders' is in the union twice"),
        ("{union: orders}", "8:19  tables.public.b.from.union: a union is of two"),
        ("{join: {left: orders}}", "8:12  tables.public.b.from.join: 'with' is missing"),
        ("{join: {left: orders, with: [{source: peple, on: id}]}}", "8:49  from: there is no source 'peple'."),
        (
            "{join: {left: orders, with: [{source: people}]}}",
            "8:40  tables.public.b.from.join.with[0]: 'on' is missing",
        ),
        (
            "{join: {left: orders, with: [{source: people, on: id, kind: lft}]}}",
            "8:71  tables.public.b.from.join.with[0].kind: 'lft' is not one of",
        ),
        (
            "{join: {left: orders, with: [{source: people, on: a}, {source: people, on: b}]}}",
            "8:65  from: 'people' is joined already; give this one another name by `as:`",
        ),
    ],
)
def test_a_from_that_cannot_be_is_told_where_it_stands(mistakes: Mistakes, origin: str, expected: str) -> None:
    found = mistakes(TWO.replace("FROM", origin))
    assert any(message.startswith(expected) for message in found), found


@pytest.mark.parametrize(
    "origin",
    [
        "{source: orders, each: items.lines}",
        "{union: [orders, people]}",
        "{join: {left: orders, with: [{source: people, on: {buyer: id}, kind: inner, many: true}]}}",
        "{join: {left: orders, with: [{source: people, on: id}, {source: people, as: other, on: [a, b]}]}}",
    ],
)
def test_tables_may_be_made_of_parts_joins_and_unions(mistakes: Mistakes, origin: str) -> None:
    assert mistakes(TWO.replace("FROM", origin)) == []


def test_what_is_said_of_fields_is_in_words_that_there_are(mistakes: Mistakes) -> None:
    found = mistakes(
        """\
sources:
  flights:
    kind: file
    path: in.csv
    fields:
      land: {semantic: countri}
      rate: {semantics: percent, type: decimol}
      tongue: {role: categoric, semantic: language, pii: false}
destination: {kind: postgres, url: "postgresql://localhost/x"}
tables: {public.a: {}}
"""
    )
    assert found[0].startswith("6:24  there is no semantic type 'countri'. Did you mean 'country'?")
    assert found[1] == "7:25  a field has no 'semantics'. Did you mean 'semantic'?"
    assert found[2].startswith("7:40  'decimol' is no type")
    assert found[3:] == ["8:22  there is no role 'categoric'. Did you mean 'categorical'?"]


def test_a_missing_kind_is_told_with_the_kinds_there_are(mistakes: Mistakes) -> None:
    text = BASE.replace("kind: file, ", "").replace(
        "sources:\n", "sources:\n  a: {kind: rest, url: http://x, auth: {token: x}}\n"
    )
    found = mistakes(text)
    assert "2:34  sources.a.auth: 'kind' is missing; it is one of none, basic, bearer, api_key, oauth2, hmac" in found
    assert any(line.endswith("it is one of file, rest, sql, kafka, push, singer, python") for line in found)


def test_a_wrong_word_in_deletes_is_told_at_its_own_key(mistakes: Mistakes) -> None:
    text = BASE.replace("public.orders:", "public.orders: {deletes: {mark: gone, found_by: abscence}}")
    [found] = mistakes(text)
    assert found.startswith("5:51  tables.public.orders.deletes.found_by: 'abscence' is not one of")
