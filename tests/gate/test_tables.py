"""Round the gate by the destination: its tables altered between plan and load, and while the load runs."""

import threading
from typing import Any

import psycopg
import pytest

from octo_core.errors import DestinationError, OctopipeError
from octo_resources.destinations.postgres.load import Load
from tests.flow.shop import Shop, sale
from tests.gate.attacks import approved, nothing_loads

ALTERED = {
    "a column's type": "ALTER TABLE shop.sale ALTER amount TYPE numeric(12, 1)",
    "a check added": "ALTER TABLE shop.sale ADD CHECK (amount < 1000000)",
    "a check changed": "ALTER TABLE shop.sale DROP CONSTRAINT sale_amount_check, ADD CHECK (amount >= -1)",
    "a foreign key dropped": "ALTER TABLE shop.sale DROP CONSTRAINT sale_customer_id_fkey",
    "a unique added": "ALTER TABLE shop.sale ADD UNIQUE (email)",
    "the key dropped": "ALTER TABLE shop.sale DROP CONSTRAINT sale_pkey",
    "null allowed": "ALTER TABLE shop.sale ALTER amount DROP NOT NULL",
    "a default": "ALTER TABLE shop.sale ALTER status SET DEFAULT 'paid'",
    "a column that must be filled": "ALTER TABLE shop.sale ADD shop_id int; UPDATE shop.sale SET shop_id = 1;"
    "ALTER TABLE shop.sale ALTER shop_id SET NOT NULL",
    "a column renamed": "ALTER TABLE shop.sale RENAME email TO mail",
    "a trigger": "CREATE FUNCTION shop.twice() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.amount := 2; "
    "RETURN NEW; END'; CREATE TRIGGER twice BEFORE INSERT ON shop.sale FOR EACH ROW EXECUTE FUNCTION shop.twice()",
    "what a column is computed by": "ALTER TABLE shop.sale ADD vat numeric GENERATED ALWAYS AS (amount * 0.2) STORED",
    "row security": "ALTER TABLE shop.sale ENABLE ROW LEVEL SECURITY",
    "a rule": "CREATE RULE quiet AS ON INSERT TO shop.sale WHERE NEW.amount > 5 DO INSTEAD NOTHING",
}


@pytest.mark.parametrize("change", ALTERED.values(), ids=ALTERED.keys())
def test_a_table_altered_after_the_approval_needs_another(shop: Shop, change: str) -> None:
    approved(shop)
    shop.sql(change)
    with nothing_loads(shop, OctopipeError):
        shop.load()


def test_a_triggers_function_changed_after_the_approval_needs_another(shop: Shop) -> None:
    body = "CREATE OR REPLACE FUNCTION shop.stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {} RETURN NEW; END'"
    shop.sql(body.format(""))
    shop.sql("CREATE TRIGGER stamp BEFORE INSERT ON shop.sale FOR EACH ROW EXECUTE FUNCTION shop.stamp()")
    approved(shop)
    shop.sql(body.format("NEW.amount := 0;"))
    with nothing_loads(shop):
        shop.load()


def test_a_session_in_which_triggers_and_foreign_keys_do_not_hold_is_refused(shop: Shop) -> None:
    approved(shop)
    database = shop.url.rpartition("/")[2]
    shop.sql(f"ALTER DATABASE {database} SET session_replication_role = replica")
    shop.drop("sales", "c", [sale(300, customer=99)])
    shop.land()
    with nothing_loads(shop, DestinationError, "foreign keys not hold"):
        shop.load()


STAMP = "CREATE OR REPLACE FUNCTION shop.stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {} RETURN NEW; END'"
STAMPED = (
    STAMP.format(""),
    "CREATE TRIGGER stamp BEFORE INSERT ON shop.sale FOR EACH ROW EXECUTE FUNCTION shop.stamp()",
)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER FUNCTION shop.stamp() SET search_path = shop",
        "ALTER FUNCTION shop.stamp() SECURITY DEFINER",
        "ALTER TABLE shop.sale ENABLE REPLICA TRIGGER stamp",  # it does not fire any more
        "ALTER TABLE shop.sale DISABLE TRIGGER stamp",
    ],
)
def test_how_a_trigger_runs_changed_after_the_approval_needs_another(shop: Shop, change: str) -> None:
    for statement in STAMPED:
        shop.sql(statement)
    approved(shop)
    shop.sql(change)
    with nothing_loads(shop):
        shop.load()


PARTED = """
CREATE TABLE shop.parted (LIKE shop.sale INCLUDING ALL) PARTITION BY RANGE (sale_id);
ALTER TABLE shop.sale RENAME TO part;
ALTER TABLE shop.parted RENAME TO sale;
ALTER TABLE shop.sale ATTACH PARTITION shop.part FOR VALUES FROM (0) TO (1000)
"""


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TRIGGER own BEFORE INSERT ON shop.part FOR EACH ROW EXECUTE FUNCTION shop.stamp()",
        "ALTER TABLE shop.part DISABLE TRIGGER stamp",
    ],
)
def test_a_trigger_of_a_partition_changed_after_the_approval_needs_another(shop: Shop, change: str) -> None:
    for statement in (*PARTED.split(";"), *STAMPED):
        shop.sql(statement)
    approved(shop)
    shop.sql("CREATE TABLE shop.more PARTITION OF shop.sale FOR VALUES FROM (1000) TO (2000)")
    shop.land()
    assert shop.load().result.status == "loaded"
    shop.drop("sales", "c", [sale(300)])
    shop.land()
    shop.sql(change)
    with nothing_loads(shop):
        shop.load()


def test_a_triggers_function_changed_while_the_rows_are_written_stops_the_load(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No lock of the table keeps anybody from that."""
    for statement in STAMPED:
        shop.sql(statement)
    approved(shop)
    real = Load.write

    def write(self: Load, *given: Any) -> Any:
        shop.sql(STAMP.format("NEW.amount := 0;"))
        return real(self, *given)

    monkeypatch.setattr(Load, "write", write)
    with nothing_loads(shop):
        shop.load()


FINE = "CREATE OR REPLACE FUNCTION shop.fine(numeric) RETURNS boolean IMMUTABLE LANGUAGE {}"
CALLING = {
    "a check": "ALTER TABLE shop.sale ADD CHECK (shop.fine(amount))",
    "a domain's check": "CREATE DOMAIN shop.money AS numeric(10, 2) CHECK (shop.fine(VALUE));"
    "ALTER TABLE shop.sale ALTER amount TYPE shop.money",
    "a domain's default": "CREATE DOMAIN shop.yes AS boolean DEFAULT shop.fine(1);"
    "ALTER TABLE shop.sale ADD ok shop.yes NOT NULL",
    "a generated column": "ALTER TABLE shop.sale ADD ok boolean GENERATED ALWAYS AS (shop.fine(amount)) STORED",
    "the default of a column that must be filled": "ALTER TABLE shop.sale ADD ok boolean NOT NULL DEFAULT shop.fine(1)",
    "a unique index": "CREATE UNIQUE INDEX ON shop.sale (sale_id, shop.fine(amount))",
    "an operator": "CREATE OPERATOR shop.!!! (FUNCTION = shop.fine, RIGHTARG = numeric);"
    "ALTER TABLE shop.sale ADD CHECK (OPERATOR(shop.!!!) amount)",
    "a policy": "ALTER TABLE shop.sale ENABLE ROW LEVEL SECURITY;"
    "CREATE POLICY fine ON shop.sale WITH CHECK (shop.fine(amount))",
    "a trigger's condition": "CREATE FUNCTION shop.same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    "CREATE TRIGGER same BEFORE INSERT ON shop.sale FOR EACH ROW WHEN (shop.fine(NEW.amount)) "
    "EXECUTE FUNCTION shop.same()",
    "another function": "CREATE FUNCTION shop.finer(numeric) RETURNS boolean IMMUTABLE LANGUAGE sql "
    "BEGIN ATOMIC SELECT shop.fine($1); END; ALTER TABLE shop.sale ADD CHECK (shop.finer(amount))",
}


CHANGED = ("plpgsql AS 'BEGIN RETURN $1 < 5; END'", "sql RETURN $1 < 5")


@pytest.mark.parametrize(
    ("caller", "changed"),
    [(sql, CHANGED[place % 2]) for place, sql in enumerate(CALLING.values())],
    ids=CALLING.keys(),
)
def test_a_function_that_is_called_changed_after_the_approval_needs_another(
    shop: Shop, caller: str, changed: str
) -> None:
    shop.sql(FINE.format("sql RETURN $1 > -5"))
    shop.sql(caller)
    approved(shop)
    shop.sql(FINE.format(changed))
    with nothing_loads(shop, match=r"function shop\.fine\(numeric\)"):
        shop.load()


def test_a_changed_policy_needs_another_approval(shop: Shop) -> None:
    shop.sql("ALTER TABLE shop.sale ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON shop.sale USING (amount < 9)")
    approved(shop)
    shop.sql("ALTER POLICY few ON shop.sale USING (amount < 8)")
    with nothing_loads(shop):
        shop.load()


def test_a_policy_that_is_not_in_force_decides_nothing(shop: Shop) -> None:
    shop.sql("CREATE POLICY few ON shop.sale USING (amount < 9)")
    approved(shop)
    shop.sql("ALTER POLICY few ON shop.sale USING (amount < 8)")
    assert shop.plan().plan.state == "approved"


def test_a_function_that_nothing_calls_decides_nothing(shop: Shop) -> None:
    shop.sql(FINE.format("sql RETURN $1 > -5"))
    approved(shop)
    shop.sql(FINE.format("sql RETURN $1 < 5"))
    assert shop.load().result.status == "loaded"


def test_what_decides_nothing_of_the_rows_needs_no_approval(shop: Shop) -> None:
    approved(shop)
    for change in (
        "COMMENT ON COLUMN shop.sale.amount IS 'in EUR'",
        "CREATE INDEX ON shop.sale (placed_at)",
        "ALTER TABLE shop.sale ADD tag text",
        "ALTER TABLE shop.sale RENAME CONSTRAINT sale_amount_check TO ok",
    ):
        shop.sql(change)
    assert shop.load().result.status == "loaded"


CONCURRENT = [
    "ALTER TABLE shop.sale DROP CONSTRAINT sale_amount_check",
    "ALTER TABLE shop.sale ALTER amount TYPE numeric(12, 1)",
    "CREATE TRIGGER twice BEFORE INSERT ON shop.sale FOR EACH ROW EXECUTE FUNCTION shop.twice()",
    "INSERT INTO shop.sale VALUES (5000, 1, 1, 'paid', now())",
]


@pytest.mark.parametrize("statement", CONCURRENT)
def test_nobody_alters_or_writes_a_table_while_it_is_loaded(shop: Shop, statement: str) -> None:
    shop.sql("CREATE FUNCTION shop.twice() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    approved(shop)
    refused = []

    def alter(point: str) -> None:
        if point in ("copied", "before_commit"):
            with psycopg.connect(shop.url, autocommit=True) as other:
                other.execute("SET lock_timeout = '50ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    other.execute(statement.encode())
                refused.append(point)

    assert shop.load(stage=alter).result.tables["shop.sale"].inserted == 2
    assert refused == ["copied", "before_commit"]


def test_an_alteration_that_waits_for_a_load_happens_after_it(shop: Shop) -> None:
    approved(shop)
    done, began = threading.Event(), threading.Event()

    def alter() -> None:
        with psycopg.connect(shop.url, autocommit=True) as other:
            began.set()
            other.execute("ALTER TABLE shop.sale DROP CONSTRAINT sale_amount_check")
        done.set()

    thread = threading.Thread(target=alter)

    def start(point: str) -> None:
        if point == "copied":
            thread.start()
            began.wait(10)
        if point == "before_commit":
            assert not done.is_set()

    assert shop.load(stage=start).result.status == "loaded"
    thread.join(10)
    assert done.is_set()
    shop.drop("sales", "c", [])
    with nothing_loads(shop):
        shop.load()


def test_a_load_that_waits_for_an_alteration_sees_it(shop: Shop) -> None:
    """The ALTER is under way when the load asks for its locks: the load waits, and then refuses."""
    approved(shop)
    before = shop.state()
    failed: list[BaseException] = []
    with psycopg.connect(shop.url) as other:
        other.execute("LOCK TABLE shop.sale IN SHARE UPDATE EXCLUSIVE MODE")  # lets catalogs be read, keeps loads out

        def run() -> None:
            try:
                shop.load()
            except OctopipeError as error:
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'shop.sale'::regclass"
        while thread.is_alive() and shop.sql(waits) == [(0,)]:
            pass
        other.execute("ALTER TABLE shop.sale DROP CONSTRAINT sale_amount_check")
    thread.join(20)
    assert [type(error).__name__ for error in failed] == ["TablesChanged"]
    assert "check" in str(failed[0])
    assert shop.state() == before
