"""Rows that come twice: by a key that the table itself does not keep, and by servers that answer from a cursor on."""

from typing import Any

import pytest

from octo_core.errors import UsageError
from tests.flow.shop import Shop, sale
from tests.servers.api import Api, Asked

PLAIN = "CREATE TABLE shop.log (id bigint, total text)"
LOG = {"shop.log": {"id": "id", "total": "total"}}


def log_pipeline(shop: Shop, source: dict[str, Any], **table: Any) -> None:
    shop.sql(PLAIN)
    document = {
        "sources": {"log": source},
        "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
        "tables": {"shop.log": table},
    }
    shop.pipeline_file("log", document, LOG)


@pytest.mark.parametrize("write", ["merge", "append"])
def test_the_declared_key_holds_where_the_table_has_none(shop: Shop, write: str) -> None:
    log_pipeline(shop, {"kind": "file", "path": "in/log/*.jsonl"}, write=write, key=["id"])
    shop.drop("log", "a", [sale(1), sale(2)])
    shop.drop("log", "b", [sale(1, total="7"), sale(3), sale(3, total="8")])
    shop.land("log")
    planned = shop.plan("log").plan.tables["shop.log"].would
    assert planned is not None
    assert (planned["inserted"], planned["deduplicated"]) == (3, 2)
    ledger = shop.start("log").tables["shop.log"]
    assert (ledger.read, ledger.inserted, ledger.deduplicated) == (5, 3, 2)
    assert shop.sql("SELECT id, total FROM shop.log WHERE id <> 2 ORDER BY 1") == [(1, "7"), (3, "8")]


@pytest.mark.parametrize("lag", [None, "2 h"])
def test_what_a_server_says_again_is_not_appended_again(shop: Shop, lag: str | None) -> None:
    """It answers `since` with the records at it, as most servers do; the table keeps no key, and none is declared."""
    records = [{"id": number, "total": "1", "at": f"2026-01-01T{number:02d}:00:00Z"} for number in range(10)]

    def since(asked: Asked) -> Any:
        return [one for one in records if str(one["at"]) >= asked.params.get("since", "")]

    with Api({"/log": since}) as api:
        cursor = {"field": "at", "param": "since"} | ({"lag": lag} if lag else {})
        key = {"key": ["id"]} if lag else {}
        log_pipeline(shop, {"kind": "rest", "url": f"{api.url}/log", "cursor": cursor}, write="append", **key)
        assert shop.start("log").tables["shop.log"].inserted == 10
        assert shop.run("log").status == "nothing_new"
        records += [{"id": 9, "total": "2", "at": "2026-01-01T09:00:00Z"}] if not lag else []
        records.append({"id": 10, "total": "1", "at": "2026-01-01T10:00:00Z"})
        ledger = shop.run("log").tables["shop.log"]
        assert (ledger.read, ledger.inserted) == (1 if lag else 2, 1 if lag else 2)
        assert shop.run("log").status == "nothing_new"
        assert shop.count("shop.log") == 11 + (not lag)


def test_what_is_appended_without_a_key_is_not_read_again(shop: Shop) -> None:
    log_pipeline(shop, {"kind": "file", "path": "in/log/*.jsonl"}, write="append")
    shop.drop("log", "a", [sale(1)])
    shop.start("log")
    with pytest.raises(UsageError, match="would be there twice"):
        shop.land("log", full=True)
    with pytest.raises(UsageError, match="needs a source with a cursor"):
        shop.land("log", since="banana")
    assert shop.run("log").status == "nothing_new"
