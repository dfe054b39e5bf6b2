"""Names in other languages: German, French, Spanish, Chinese and Arabic fields find English columns."""

import pytest

from octo_core.mapping import match
from octo_core.mapping.words import words

from .build import column, expressions, field, schema, table
from .build import proposed as proposal

STAY = ["patient_id", "birth_date", "admitted_at", "discharged_on", "height_m", "insurer", "city", "is_smoker"]
PAYROLL = ["employee_id", "full_name", "birth_date", "hired_on", "department", "job_title", "monthly_salary"]
ORDER = ["order_number", "customer_name", "currency", "city", "status", "quantity", "phone"]


@pytest.mark.parametrize(
    ("fields", "columns"),
    [
        (
            ["Patienten-Nr.", "Geburtsdatum", "Aufnahmezeitpunkt", "Entlassungsdatum", "Größe (m)", "Krankenkasse",
             "Ort", "Raucher"],
            STAY,
        ),
        (["员工编号", "姓名", "出生日期", "入职日期", "部门", "职位", "月薪(元)"], PAYROLL),
        (["رقم الطلب", "اسم العميل", "العملة", "المدينة", "الحالة", "الكمية", "الهاتف"], ORDER),
        (
            ["Messwert", "Einheit", "Referenz unten", "Referenz oben", "Korrigiert"],
            ["value", "unit", "low", "high", "corrected"],
        ),
        (["ticker", "price", "qty"], ["Symbol", "Kurs", "Menge"]),
        (["raisonSociale", "ville", "quantité", "prénom"], ["company", "city", "quantity", "first_name"]),
    ],
)  # fmt: skip
def test_fields_find_their_columns(fields: list[str], columns: list[str]) -> None:
    assert match(fields, columns).assignment == dict(zip(fields, columns, strict=True))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Entlassungsdatum", ("entlassung", "datum")),
        ("numéroClient", ("numero", "client")),
        ("المدينة", ("مدينه",)),
        ("membership", ("membership",)),
        ("administration", ("administration",)),
    ],
)
def test_glued_words_are_parted_and_accents_and_articles_go(name: str, expected: tuple[str, ...]) -> None:
    assert words(name) == expected


def test_states_in_another_language_are_mapped() -> None:
    target = table("parcel", column("status", "text"), checks=("status IN ('delivered', 'in_transit', 'returned')",))
    found = expressions(proposal(schema(field("statut", "text", "livré", "en cours", "retourné")), target))
    assert found == {
        "status": "map_values(statut, 'livré', 'delivered', 'en cours', 'in_transit', 'retourné', 'returned')"
    }


def test_lists_that_pair_whole_meet_where_no_name_says_so() -> None:
    target = table("entry", column("side", "text"), column("kind", "text"), checks=("side IN ('debit', 'credit')",))
    found = expressions(proposal(schema(field("dr_cr", "text", "D", "C")), target))
    assert found == {"side": "map_values(dr_cr, 'D', 'debit', 'C', 'credit')", "kind": None}


def test_of_two_fields_that_pair_as_well_neither_is_taken() -> None:
    target = table("entry", column("side", "text"), checks=("side IN ('debit', 'credit')",))
    found = expressions(proposal(schema(field("q1", "text", "D", "C"), field("q2", "text", "C", "D")), target))
    assert found == {"side": None}


def test_what_is_left_of_amounts_is_the_total() -> None:
    target = table("sale", column("id", "int32"), column("amount", "decimal(12,2)"))
    source = schema(field("id", "int32", "1", "2"), field("total", "decimal(18,2)", "1.50", "2.25"))
    assert expressions(proposal(source, target)) == {"id": "id", "amount": "total"}


def test_letters_that_the_field_s_name_explains_are_its_words() -> None:
    source = schema(field("Soll/Haben", "text", "S", "H"))
    target = table(
        "entry", column("direction", "text", "debit or credit"), checks=("direction IN ('debit', 'credit')",)
    )
    found = proposal(source, target).columns[0]
    assert found.expr == """map_values("Soll/Haben", 'S', 'debit', 'H', 'credit')"""
