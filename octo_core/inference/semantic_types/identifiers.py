"""Semantic types of money, things and works: numbers with a check digit wherever one is defined."""

from typing import Final

from octo_core.inference.semantic_types.checks import listed, luhn_digits, stdnum
from octo_core.inference.semantic_types.model import CODE, semantic

_EU: Final = "AT BE BG CY CZ DE DK EE EL ES FI FR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK XI"

IDENTIFIERS: Final = (
    semantic(
        "doi",
        "work, by Digital Object Identifier",
        "10.1000/182",
        r"(?i:doi: ?|https?://(?:dx\.)?doi\.org/)?10\.\d{4,9}/\S+",
        alone=1,
    ),
    semantic(
        "orcid",
        "researcher, by ORCID",
        "0000-0002-1825-0097",
        r"(?:https?://orcid\.org/)?(?:\d{4}-){3}\d{3}[\dX]",
        lambda text: stdnum("isni")(text[-19:]),
        alone=1,
        pii=True,
    ),
    semantic(
        "iban",
        "bank account (ISO 13616)",
        "DE89 3704 0044 0532 0130 00",
        r"[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}",
        stdnum("iban"),
        alone=1,
        pii=True,
    ),
    semantic(
        "bic",
        "bank (ISO 9362)",
        "DEUTDEFF500",
        r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?",
        stdnum("bic"),
        named="bic swift bank",
    ),
    semantic(
        "credit_card",
        "payment card (ISO/IEC 7812)",
        "4111 1111 1111 1111",
        r"[2-6]\d{3}(?:[ -]?\d){9,15}",
        luhn_digits,
        named="card cc pan creditcard credit payment number",
        alone=20,
        pii=True,
        families=CODE,
    ),
    semantic(
        "isin",
        "security (ISO 6166)",
        "US0378331005",
        r"[A-Z]{2}[A-Z0-9]{9}\d",
        stdnum("isin"),
        named="isin security instrument",
        alone=5,
    ),
    semantic(
        "cusip",
        "security of North America",
        "037833100",
        r"[0-9A-Z*@#]{8}\d",
        stdnum("cusip"),
        named="cusip",
        families=CODE,
    ),
    semantic(
        "lei",
        "legal entity (ISO 17442)",
        "213800KUD8LAJWSQ9D15",
        r"[A-Z0-9]{18}\d{2}",
        stdnum("lei"),
        named="lei",
        alone=3,
    ),
    semantic(
        "eu_vat",
        "company, by its VAT number in the Union",
        "DE136695976",
        rf"(?i:{'|'.join(_EU.split())}) ?[0-9A-Za-z+*.\- ]{{7,14}}",
        stdnum("eu.vat"),
        named="vat ust ustid tva iva btw mwst uid tax",
        alone=5,
    ),
    semantic(
        "bitcoin_address",
        "account of Bitcoin",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        r"(?:bc1|[13])[a-zA-HJ-NP-Z0-9]{25,87}",
        stdnum("bitcoin"),
        alone=1,
    ),
    semantic(
        "isbn",
        "book (ISO 2108)",
        "978-3-16-148410-0",
        r"(?:97[89][ -]?)?\d(?:[ -]?\d){8}[ -]?[\dXx]",
        stdnum("isbn"),
        named="isbn isbn10 isbn13 book ean",
        alone=10,
        families=CODE,
    ),
    semantic(
        "issn", "journal (ISO 3297)", "0317-8471", r"\d{4}-\d{3}[\dXx]", stdnum("issn"), named="issn eissn", alone=5
    ),
    semantic(
        "imei",
        "mobile device",
        "490154203237518",
        r"\d{2}-?\d{6}-?\d{6}-?\d",
        stdnum("imei"),
        named="imei device",
        pii=True,
        families=CODE,
    ),
    semantic(
        "ean",
        "article (EAN, UPC, GTIN)",
        "4006381333931",
        r"\d{8}|\d{12,14}",
        stdnum("ean"),
        named="ean ean13 gtin upc barcode gs1 article",
        families=CODE,
    ),
    semantic(
        "currency_code",
        "currency (ISO 4217)",
        "EUR",
        r"[A-Za-z]{3}",
        listed("currencies", "alpha_3"),
        named="currency curr ccy iso cur money moneda devise waehrung",
    ),
)
