"""What a pull tells of a table, and what it answers where something is wrong."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from octo_core.catalog import Label
from octo_core.errors import DestinationError, NotSupportedYet, UsageError
from octo_core.schema import Field
from octo_core.spec.pipeline import Destination
from octo_core.types import parse_type
from octo_resources.destinations import connect
from octo_resources.destinations.names import canonical
from octo_resources.destinations.postgres import PostgresDestination
from octo_resources.destinations.postgres.connection import Address, statement_error
from octo_resources.destinations.postgres.order import order_by_foreign_keys
from octo_resources.destinations.postgres.pull import unlabelled

Execute = Callable[..., list[tuple[Any, ...]]]
SQL = """
create schema wh; create type wh.mood as enum ('fine', 'bad');
create domain wh.percent as numeric(5,2) not null default 1 check (value >= 0 and 'VALUE' <> 'x');
create table wh.carrier (code char(2) primary key, name text); insert into wh.carrier values ('AA', 'American');
create table wh."Flight" (
  id bigint generated always as identity, carrier char(2) references wh.carrier deferrable, mood wh.mood default 'fine',
  load wh.percent, price numeric, span interval, tags varchar(9)[], note varchar(5) not null, z timestamptz(3),
  t timetz,
  twice int generated always as (1 + 1) stored, during int4range, who text,
  primary key (id), check (price > 0 or note <> 'free'), exclude using gist (during with &&));
comment on column wh."Flight".note is 'what the crew says'; comment on table wh."Flight" is 'flights';
create unique index one on wh."Flight" (lower(note)) where price > 5;
create function wh.f() returns trigger language plpgsql as 'begin return new; end';
create trigger tr before insert on wh."Flight" for each row execute function wh.f();
insert into wh."Flight" (carrier, note, price, who) values ('AA', 'x', 1, 'Ana')
"""


def test_everything_that_a_mapping_and_a_gate_need(destination: PostgresDestination, execute: Execute) -> None:
    execute(SQL)
    labels = {'wh."Flight"': {"note": Label(label="remark"), "who": Label(label="pilot", pii=True)}}
    catalog = destination.pull(['wh."Flight"'], labels)
    table = catalog.tables['wh."Flight"']
    types = {column.name: str(column.type) for column in table.columns}
    assert types == {
        "id": "int64", "carrier": "text", "mood": "text", "load": "decimal(5,2)", "price": "decimal(38,18)",
        "span": "interval", "tags": "list<text>", "note": "text", "z": "timestamptz", "t": "text", "twice": "int32",
        "during": "text", "who": "text",
    }  # fmt: skip
    by_name = {column.name: column for column in table.columns}
    assert (by_name["id"].identity, by_name["id"].writable) == ("always", False)
    assert (by_name["mood"].enum, by_name["mood"].default) == (("fine", "bad"), "'fine'::wh.mood")
    assert (by_name["load"].domain, by_name["load"].nullable, by_name["load"].default) == ("wh.percent", False, "1")
    assert (by_name["note"].max_length, by_name["note"].comment, by_name["note"].required) == (
        5,
        "what the crew says",
        True,
    )
    assert (by_name["twice"].generated, by_name["twice"].writable) == ("(1 + 1)", False)
    assert by_name["note"].label == Label(label="remark")
    assert (table.primary_key, table.comment, table.kind) == (("id",), "flights", "table")
    (key,) = table.foreign_keys
    assert (key.columns, key.ref_table, key.ref_columns, key.deferrable) == (
        ("carrier",),
        "wh.carrier",
        ("code",),
        True,
    )
    assert {check.name: check.columns for check in table.checks} == {
        "Flight_check": ("price", "note"), "percent_check": ("load",)
    }  # fmt: skip
    assert table.checks[1].sql == "((\"load\" >= (0)::numeric) AND ('VALUE'::text <> 'x'::text))"
    (unique,) = table.uniques
    assert (unique.expression, unique.where) == ("lower((note)::text)", "(price > (5)::numeric)")
    assert [trigger.name for trigger in table.triggers] == ["tr"]
    assert len(table.exclusions) == 1
    assert list(catalog.parents) == ["wh.carrier"]
    assert catalog.samples["wh.carrier"] == {"code": ("AA",)}
    assert catalog.samples['wh."Flight"']["note"] == ("x",)
    assert "who" not in catalog.samples['wh."Flight"']
    assert "who" not in unlabelled(catalog)['wh."Flight"']
    assert "price" in unlabelled(catalog)['wh."Flight"']


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wh.flight", 'did you mean wh."Flight"'),
        ("wj.carrier", "there is no schema 'wj'"),
        ("carrier", "did you mean wh.carrier?"),
        ("wh.v", "it is a view"),
    ],
)
def test_a_table_that_is_not_there(destination: PostgresDestination, execute: Execute, name: str, said: str) -> None:
    execute(SQL + "; create view wh.v as select 1 as one")
    with pytest.raises(DestinationError) as refused:
        destination.pull([name])
    assert said in str(refused.value)


@pytest.mark.parametrize("name", ["", "a.", "a.b.c", "a b", 'a."b', "a.b;drop"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(UsageError, match="is not the name of a table"):
        canonical(name)


def test_names_have_one_spelling() -> None:
    assert canonical("Flight") == canonical('public."flight"') == "public.flight"
    assert canonical('"A.b"."c""d"') == '"A.b"."c""d"'


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("/NAME", "/nosuch"), 'database "nosuch" does not exist'),
        ((":PORT/", ":1/"), "nothing listens there"),
        (("postgres:geheim", "nobody:geheim"), 'role "nobody" does not exist'),
        (("/NAME", "/postgres?sslmode=require"), "agree on TLS"),
    ],
)
def test_connections_that_fail_say_why_and_no_password(url: str, changed: tuple[str, str], said: str) -> None:
    start, _, name = url.replace("postgres@", "postgres:geheim@").rpartition("/")
    port = start.rpartition(":")[2]
    old, new = (one.replace("NAME", name).replace("PORT", port) for one in changed)
    address = f"{start}/{name}".replace(old, new)
    with pytest.raises(DestinationError) as refused:
        PostgresDestination.from_url(address).version()
    assert said in str(refused.value)
    assert "geheim" not in str(refused.value) + repr(refused.value)
    assert refused.value.hint


@pytest.mark.parametrize(("state", "passes"), [("25006", True), ("57P01", True), ("42501", False), ("25P02", False)])
def test_a_server_that_is_read_only_until_a_failover_is_through_is_asked_again(state: str, passes: bool) -> None:
    address = Address.from_url("postgresql://u@h/d")
    assert statement_error(address, "the load failed", state, "ERROR:  it says no").retryable == passes


@pytest.mark.parametrize(
    "wrong", ["mysql://u:geheim@h/d", "geheim", "postgresql://u:geheim@h:port/d", "postgresql://u@h/d?x=geheim"]
)
def test_urls_that_are_none(wrong: str) -> None:
    with pytest.raises(UsageError) as refused:
        connect(Destination(kind="postgres", url=wrong))
    assert "geheim" not in str(refused.value)


def test_other_kinds_are_not_built_yet() -> None:
    with pytest.raises(NotSupportedYet, match="duckdb"):
        connect(Destination(kind="duckdb", url="x"))


def test_preparing_twice_and_at_once(destination: PostgresDestination, execute: Execute, url: str) -> None:
    with psycopg.connect(url) as other:  # one that is half way
        other.execute("select pg_advisory_xact_lock(1868792943)")
        assert not destination.prepared()
    destination.prepare()
    destination.prepare()
    assert destination.prepared()
    execute(destination.state_ddl())
    execute("update _octopipe.version set version = 99")
    with pytest.raises(DestinationError, match="version 99"):
        destination.prepare()
    with pytest.raises(DestinationError, match="version 99"):
        destination.positions("p")


def test_ddl_that_a_person_might_run(destination: PostgresDestination, execute: Execute) -> None:
    execute(SQL)
    table = destination.pull(['wh."Flight"']).tables['wh."Flight"']
    kinds = ("int32", "decimal(10,2)", "list<text>", "record{a: int32}", "timestamptz", "text")
    fields = [Field(name=f"new {n}", type=parse_type(kind), unit="km") for n, kind in enumerate(kinds)]
    statements = destination.suggested_ddl(table, fields)
    assert statements[0] == 'ALTER TABLE "wh"."Flight" ADD COLUMN "new 0" integer;'
    execute(" ".join(statements))
    natives = [column.native for column in destination.pull(['wh."Flight"']).tables['wh."Flight"'].columns[-6:]]
    assert natives == ["integer", "numeric(10,2)", "text[]", "jsonb", "timestamp with time zone", "text"]


def test_what_no_column_can_be_called_gets_the_nearest_name(destination: PostgresDestination, execute: Execute) -> None:
    execute("create table public.t (id int)")
    names = ("ß" * 40, "ß" * 31 + "xy", "xmin", "ctid", "", "a\0b")
    fields = [Field(name=name, type=parse_type("text")) for name in names]
    execute(" ".join(destination.suggested_ddl(destination.pull(["t"]).tables["public.t"], fields)))
    table = destination.pull(["t"]).tables["public.t"]
    found = [column.name for column in table.columns]
    assert found == ["id", "ß" * 31, "ß" * 31 + "x", "xmin_", "ctid_", "field", "ab"]
    assert not destination.suggested_ddl(table, fields)


def test_a_circle_that_cannot_be_loaded(destination: PostgresDestination, execute: Execute) -> None:
    execute("""create table public.a (id int primary key, b int);
    create table public.b (id int primary key, a int references a);
    alter table a add foreign key (b) references b""")
    with pytest.raises(DestinationError, match="in a circle"):
        order_by_foreign_keys(list(destination.pull(["a", "b"]).tables.values()))


def test_only_a_collation_that_makes_texts_equal_is_told(destination: PostgresDestination, execute: Execute) -> None:
    try:
        execute("create collation public.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this PostgreSQL was built without ICU")
    execute('create table public.t (a text collate public.ci, b text collate "C", c text)')
    columns = destination.pull(["public.t"]).tables["public.t"].columns
    assert [column.collation for column in columns] == ["public.ci i und-u-ks-level2", None, None]
    before = destination.signature(["public.t"])
    execute("alter table public.t alter b type text collate public.ci")
    assert destination.signature(["public.t"]) != before


def test_several_hosts_are_tried_in_their_order(url: str) -> None:
    found = Address.from_url(url).parameters
    hosts = f"/nobody/is/here,{found['host']}"
    several = f"postgresql://{found['user']}@/{found['dbname']}?host={hosts}&port={found['port']}&target_session_attrs=read-write"
    assert PostgresDestination.from_url(several).version()
    primary = Address.from_url("postgresql://u@pg1:5433,pg2/d?target_session_attrs=read-write")
    assert str(primary) == "pg1:5433,pg2:5432/d as u"
    with pytest.raises(UsageError, match="cannot be read"):
        Address.from_url("postgresql://u@pg1:5433,pg2:here/d")
