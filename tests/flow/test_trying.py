"""An expression that the rows refute is not offered as if it were sure."""

from tests.flow.shop import Shop


def pipeline(shop: Shop, column: str) -> None:
    shop.sql(f"CREATE TABLE shop.place (id bigint PRIMARY KEY, {column})")
    shop.pipeline_file(
        "places",
        {
            "sources": {"places": {"kind": "file", "path": "in/places/*.jsonl", "key": ["id"]}},
            "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
            "tables": {"shop.place": {"write": "merge"}},
        },
    )


def test_what_fails_in_every_row_is_left_out_where_nothing_asks_for_it(shop: Shop) -> None:
    pipeline(shop, "country_code char(2)")
    shop.drop("places", "a", [{"id": n, "country": ("Gondor", "Mordor", "Rohan")[n % 3]} for n in range(60)])
    shop.land("places")
    found = shop.plan("places").plan.tables["shop.place"]
    assert [one.target for one in found.columns] == ["id"]
    assert found.unmapped_target[0].target == "country_code"
    assert "fails for 60 of 60 rows" in found.unmapped_target[0].why
    assert found.rows_quarantined == 0


def test_names_of_countries_become_the_codes_that_the_column_holds(shop: Shop) -> None:
    pipeline(shop, "country_code char(2) NOT NULL")
    names = ("Germany", "France", "South Korea", "Narnia")
    shop.drop("places", "a", [{"id": n, "country": names[n % 4] if n < 9 else names[n % 3]} for n in range(60)])
    result = shop.start("places")
    assert result.tables["shop.place"].quarantined == 2
    found = shop.sql("SELECT DISTINCT country_code FROM shop.place ORDER BY 1")
    assert found == [("DE",), ("FR",), ("KR",)]


def test_what_fails_in_most_rows_is_doubtful(shop: Shop) -> None:
    pipeline(shop, "code varchar(3) NOT NULL")
    shop.drop("places", "a", [{"id": n, "code": "abc" if n % 4 == 0 else "abcdef"} for n in range(60)])
    shop.land("places")
    prepared = shop.plan("places")
    code = prepared.mapping.tables["shop.place"].column("code")
    assert code is not None
    assert code.expr == "code"
    assert code.confidence <= 0.3
    assert "fails for 45 of 60 rows" in code.why
    assert any("doubtful" in warning and "code" in warning for warning in prepared.plan.warnings)
