"""Every semantic type takes what is of it and refuses what is nearly."""

import subprocess
import sys
from pathlib import Path

import pytest

from octo_core.inference import infer_column
from octo_core.inference.semantic_types import VOCABULARY
from octo_core.inference.semantic_types.docs import page

CASES = {
    # name: (valid, broken)
    "email": (["ann@example.org", "b.c+d@e.co.uk"], ["ann@", "@example.org", "ann example@x.org", "ann@example"]),
    "url": (["https://example.org/a?b=1", "www.example.org/x"], ["example.org", "https://", "http:/x.y"]),
    "ip": (["10.0.0.1", "2001:db8::1"], ["10.0.0.256", "2001:db8:::1", "10.0.0"]),
    "cidr": (["10.0.0.0/8", "2001:db8::/32"], ["10.0.0.0/33", "10.0.0.0"]),
    "mac": (["00:1A:2B:3C:4D:5E", "001a.2b3c.4d5e"], ["00:1A:2B:3C:4D", "00:1A-2B:3C:4D:5E", "0g:1A:2B:3C:4D:5E"]),
    "jwt": (["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"], ["eyJhbGc.eyJzdWIi.c2ln", "eyJ0eXAiOiJKV1QifQ.eyJ9.c2ln"]),
    "mime": (["image/png", "text/html; charset=utf-8"], ["picture/png", "image/"]),
    "hash": (["d41d8cd98f00b204e9800998ecf8427e", "a" * 64], ["d41d8cd98f00b204e9800998ecf8427", "1" * 32, "g" * 40]),
    "colour": (["#ff8800", "#fff", "00aaff80"], ["#ff88", "#gg8800"]),
    "semver": (["1.4.0", "v2.0.0-rc.1+build.5"], ["1.4", "01.4.0", "1.4.0.0"]),
    "hostname": (["db.example.org", "a-b.c.de"], ["-a.example.org", "localhost", "a b.org"]),
    "doi": (["10.1000/182", "doi:10.1038/nphys1170", "https://doi.org/10.1000/182"], ["11.1000/182", "10.1000/"]),
    "orcid": (["0000-0002-1825-0097", "https://orcid.org/0000-0001-5109-3700"], ["0000-0002-1825-0098", "0000-0002"]),
    "iban": (["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"], ["DE88 3704 0044 0532 0130 00"]),
    "bic": (["DEUTDEFF500", "AGRIFRPP"], ["DEUTDEFF50", "DEUT1EFF"]),
    "credit_card": (["4111 1111 1111 1111", "5500005555555559"], ["4111 1111 1111 1112", "9111111111111111"]),
    "isin": (["US0378331005", "DE0005810055"], ["US0378331006", "ZZ0378331005"]),
    "cusip": (["037833100", "91324PAE2"], ["037833101"]),
    "lei": (["213800KUD8LAJWSQ9D15"], ["213800KUD8LAJWSQ9D16", "213800KUD8"]),
    "eu_vat": (["DE136695976"], ["DE136695977", "US136695976"]),
    "gb_vat": (["GB 980 7806 84"], ["GB 980 7806 85", "US 980 7806 84"]),
    "ch_vat": (["CHE-107.787.577 IVA"], ["CHE-107.787.578 IVA"]),
    "ch_uid": (["CHE-100.155.212"], ["CHE-100.155.213"]),
    "no_vat": (["NO 995 525 828 MVA"], ["NO 995 525 829 MVA"]),
    "no_orgnr": (["988 077 917"], ["988 077 918"]),
    "us_ein": (["91-1144442"], ["07-1144442", "911144442"]),
    "au_abn": (["83 914 571 673"], ["99 999 999 999"]),
    "ca_bn": (["12302 6635", "12302 6635 RC 0001"], ["123456783"]),
    "in_gstin": (["27AAPFU0939F1ZV"], ["27AAPFU0939F1ZA"]),
    "br_cnpj": (["16.727.230/0001-97"], ["16.727.230/0001-98"]),
    "mx_rfc": (["VACE-460910-SX6"], ["VACE-461310-SX6"]),
    "ru_inn": (["123456789047", "1234567894"], ["123456789037", "1234567895"]),
    "tr_vkn": (["4540536920"], ["4540536921"]),
    "ar_cuit": (["20-05536168-2"], ["20-05536168-3"]),
    "cl_rut": (["76086428-5", "CL 12531909-2"], ["12531909-3"]),
    "co_nit": (["213.123.432-1"], ["213.123.432-5"]),
    "nz_ird": (["4909185-0", "49-098-576"], ["136410133"]),
    "jp_cn": (["5-8356-7825-6246"], ["2-8356-7825-6246"]),
    "sg_uen": (["00192200M", "197401143C"], ["197401143D"]),
    "fr_siret": (["73282932000074"], ["73282932000079"]),
    "fr_siren": (["404833048"], ["404833047"]),
    "us_rtn": (["111000025"], ["111000026"]),
    "creditor_reference": (["RF18 5390 0754 7034"], ["RF17 5390 0754 7034"]),
    "figi": (["BBG000BLNQ16"], ["BBG000BLNQ14"]),
    "sedol": (["B15KXQ8"], ["B15KXQ7"]),
    "vin": (["1M8GDM9AXKP042788", "1HGCM82633A004352"],
            ["1M8GDM9A1KP042788", "1M8GDM9AXKP04278", "1M8GDM9AXKPO42788"]),
    "container": (["CSQU3054383"], ["CSQU3054384"]),
    "imo": (["IMO 9319466", "8814275"], ["8814274"]),
    "isrc": (["US-SKG-19-12345"], ["XX-SKG-19-12345"]),
    "cas": (["87-86-5"], ["87-86-6"]),
    "imsi": (["429011234567890"], ["4290112345678"]),
    "bitcoin_address": (["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"], ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"]),
    "isbn": (["978-3-16-148410-0", "0-306-40615-2"], ["978-3-16-148410-1", "0-306-40615-3"]),
    "issn": (["0317-8471", "2049-3630"], ["0317-8472", "03178471x"]),
    "imei": (["490154203237518", "35-209900-176148-1"], ["490154203237519"]),
    "ean": (["4006381333931", "73513537"], ["4006381333932", "7351353"]),
    "currency_code": (["EUR", "usd"], ["EUX", "EU"]),
    "ssn": (["536-90-4399", "536904399"], ["000-90-4399", "536-00-4399", "666-90-4399"]),
    "es_dni": (["54362315K", "54362315-K"], ["54362315Z"]),
    "es_nie": (["X2482300W"], ["X2482300A", "A2482300W"]),
    "de_idnr": (["36574261809", "36 574 261 809"], ["36574261890", "3657426180"]),
    "fr_nir": (["2 95 10 99 126 111 93"], ["2 95 10 99 126 111 94"]),
    "it_codicefiscale": (["RCCMNL83S18D969H"], ["RCCMNL83S18D969I"]),
    "gb_nhs": (["943 476 5870", "9434765870"], ["9434765871"]),
    "nl_bsn": (["111222333"], ["111222334"]),
    "be_nn": (["85.07.30-033.28", "85073003328"], ["85.07.30-033.29"]),
    "pl_pesel": (["44051401359"], ["44051401358"]),
    "pt_nif": (["501964843"], ["501964842"]),
    "se_personnummer": (["880320-0016"], ["880320-0018"]),
    "dk_cpr": (["211062-5629"], ["991362-5629"]),
    "fi_hetu": (["131052-308T"], ["131052-308U"]),
    "ch_ahv": (["756.9217.0769.85"], ["756.9217.0769.84"]),
    "br_cpf": (["390.533.447-05", "39053344705"], ["390.533.447-06"]),
    "ca_sin": (["123-456-782"], ["123-456-783"]),
    "in_aadhaar": (["234123412346"], ["234123412347"]),
    "in_pan": (["ACUPA7085R"], ["234123412347", "ACUP7085RA"]),
    "mx_curp": (["BOXW310820HNERXN09"], ["BOXW310820HNERXN08"]),
    "cn_ric": (["360426199101010071"], ["360426199101010072"]),
    "phone": (["+34 612 345 678", "(212) 555-0100"], ["+34 12", "12-34"]),
    "birth_date": (["1983-11-18"], ["unknown"]),
    "person_name": (["Ann Smith", "José-María O'Neill"], ["ann@example.org", "12345", "<b>"]),
    "gender": (["female", "M", "divers"], ["blue", "3"]),
    "address": (["12 Oak Street"], ["12", "--"]),
    "city": (["Madrid", "Saint-Étienne"], ["28013", "a@b"]),
    "passport": (["C01X00T47"], ["C01", "C01X-00T47"]),
    "country_code": (["ES", "usa"], ["XX", "USX", "E"]),
    "country": (["Spain", "Bolivia, Plurinational State of"], ["Atlantis", "ES"]),
    "subdivision": (["US-CA", "California", "NY"], ["US-ZZ", "Narnia", "ZZZ"]),
    "language_code": (["de-AT", "eng", "zh_Hant_TW"], ["xx-AT", "d"]),
    "language": (["German", "Spanish"], ["Klingonese", "de"]),
    "coordinates": (["41.5, -3.25", "(41.5,-3.25)", "POINT (3.25 41.5)"], ["41.5", "241.5, -3.25"]),
    "time_zone": (["Europe/Madrid", "CET", "pst", "+02:00"], ["5 o'clock", "paid", "Mars/Base"]),
    "airport_code": (["MAD", "LEMD"], ["Mad", "MADRI"]),
    "airline_code": (["IB", "9E", "IBE"], ["ib", "IBER"]),
    "postal_code": (["28013", "94105-1234", "SW1A 1AA", "K1A 0B1"], ["280", "ABCDE"]),
    "latitude": (["41.5", "-90"], ["141.5", "north"]),
    "longitude": (["141.5", "-180"], ["181", "east"]),
    "year": (["2013"], ["213", "9999", "x"]),
}  # fmt: skip
ONE = [(name, text) for name, (valid, _) in CASES.items() for text in valid]
OTHER = [(name, text) for name, (_, broken) in CASES.items() for text in broken]


def _valid(name: str, text: str) -> bool:
    return any(one.valid(text) for one in VOCABULARY if one.name == name)


def test_every_type_of_the_vocabulary_has_cases() -> None:
    assert set(CASES) == {one.name for one in VOCABULARY}


@pytest.mark.parametrize(("name", "text"), ONE)
def test_what_is_of_the_type_is_taken(name: str, text: str) -> None:
    assert _valid(name, text)


@pytest.mark.parametrize(("name", "text"), OTHER)
def test_what_is_nearly_of_the_type_is_refused(name: str, text: str) -> None:
    assert not _valid(name, text)


@pytest.mark.parametrize("one", VOCABULARY, ids=lambda one: one.name)
def test_the_example_of_the_page_is_valid(one: object) -> None:
    assert one.valid(one.example)  # type: ignore[attr-defined]  # parametrized over Semantic


@pytest.mark.parametrize(
    ("name", "values", "semantic", "pii"),
    [
        ("dni", ["54362315K"], "es_dni", True),
        ("code", ["54362315K"], None, False),
        ("isin", ["US0378331005"], "isin", False),
        ("code", ["US0378331005"], None, False),
        ("device", ["490154203237518"], "imei", True),
        ("home_country", ["Spain", "France"], "country", False),
        ("customer name", ["Ann", "Bob"], "person_name", True),
        ("state", ["CA", "NY", "TX"], "subdivision", False),
        ("state", ["new", "paid"], None, False),
        ("dest", ["MAD", "JFK"], "airport_code", False),
        ("zone", ["Europe/Madrid", "UTC/x"], None, False),
        ("place", ["Europe/Madrid", "Asia/Tokyo"], "time_zone", False),
        ("word", ["a", "b"], None, False),
        ("word", ["+34 612 345 678", "+1 212 555 0100"], "phone", True),
        ("word", ["+999 612 345 678", "+34 112 345 678"], None, False),
        ("phone", ["+999 612 345 678", "+34 112 345 678"], "phone", True),
    ],
)
def test_names_and_values_decide_together(name: str, values: list[str], semantic: str | None, pii: bool) -> None:
    field = infer_column(values, name)
    assert (field.semantic, field.pii) == (semantic, pii)


def test_the_page_is_current() -> None:
    path = Path(__file__).parents[2] / "docs" / "semantic-types.md"
    assert path.read_text() == page(), "run: make docs"


def test_libraries_are_imported_only_for_values_that_look_like_theirs() -> None:
    code = (
        "import sys; from octo_core.inference import infer_column; infer_column(['a b', 'new', '12.5', 'N1'], 'note');"
        "print({'stdnum', 'pycountry', 'phonenumbers', 'sqlglot', 'sklearn', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "set()"
