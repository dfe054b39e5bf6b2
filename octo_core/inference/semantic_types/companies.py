"""Semantic types of companies and what they trade: numbers of tax offices and registers, vehicles, goods, ships."""

from typing import Final

from octo_core.inference.semantic_types.checks import stdnum, vehicle
from octo_core.inference.semantic_types.model import CODE, Semantic, semantic

_TAX = "vat tax gst tin"


def _company(
    name: str,
    what: str,
    module: str,
    example: str,
    looks: str,
    named: str,
    *,
    alone: int | None = None,
    pii: bool = False,
) -> Semantic:
    """A number with check digits by which an office knows a company; of digits alone the name has to say so."""
    return semantic(name, what, example, looks, stdnum(module), named=named, alone=alone, pii=pii, families=CODE)


COMPANIES: Final = (
    _company("gb_vat", "company, by its VAT number in the United Kingdom", "gb.vat", "GB 980 7806 84",
             r"(?i:GB) ?[\d ]{9,16}|(?i:GB) ?(?:GD|HA)\d{3}", f"{_TAX} gb uk", alone=3),
    _company("ch_vat", "company, by its VAT number in Switzerland", "ch.vat", "CHE-107.787.577 IVA",
             r"(?i:CHE)[- ]?\d{3}\.?\d{3}\.?\d{3} ?(?i:MWST|TVA|IVA|TPV)", f"{_TAX} mwst tva iva uid", alone=1),
    _company("ch_uid", "company of Switzerland, by its UID", "ch.uid", "CHE-100.155.212",
             r"(?i:CHE)[- ]?\d{3}\.?\d{3}\.?\d{3}", "uid ide idi", alone=1),
    _company("no_vat", "company, by its VAT number in Norway", "no.mva", "NO 995 525 828 MVA",
             r"(?i:NO) ?\d{3} ?\d{3} ?\d{3} ?(?i:MVA)|\d{3} ?\d{3} ?\d{3} ?MVA", f"{_TAX} mva", alone=1),
    _company("no_orgnr", "organisation of Norway", "no.orgnr", "988 077 917", r"\d{3} ?\d{3} ?\d{3}",
             "orgnr orgnummer"),
    _company("us_ein", "employer, by the number of the tax office of the United States", "us.ein", "91-1144442",
             r"\d{2}-\d{7}", "ein fein employer", alone=10),
    _company("au_abn", "company of Australia", "au.abn", "83 914 571 673", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "abn"),
    _company("ca_bn", "company, by its business number in Canada", "ca.bn", "12302 6635 RC 0001",
             r"\d{5} ?\d{4}(?: ?[A-Z]{2} ?\d{4})?", "bn gst hst"),
    _company("in_gstin", "company, by its tax number in India", "in_.gstin", "27AAPFU0939F1ZV",
             r"\d{2}[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]", "gstin gst", alone=3),
    _company("br_cnpj", "company of Brazil", "br.cnpj", "16.727.230/0001-97",
             r"[0-9A-Z]{2}\.?[0-9A-Z]{3}\.?[0-9A-Z]{3}/?[0-9A-Z]{4}-?\d{2}", "cnpj", alone=20),
    _company("mx_rfc", "taxpayer of Mexico", "mx.rfc", "VACE-460910-SX6", r"[A-Z&Ñ]{3,4}-?\d{6}-?[0-9A-Z]{3}", "rfc",
             pii=True),
    _company("ru_inn", "taxpayer of Russia", "ru.inn", "1234567894", r"\d{10}|\d{12}", "inn инн", pii=True),
    _company("tr_vkn", "taxpayer of Türkiye", "tr.vkn", "4540536920", r"\d{10}", "vkn vergi"),
    _company("ar_cuit", "taxpayer of Argentina", "ar.cuit", "20-05536168-2", r"\d{2}-?\d{8}-?\d", "cuit cuil",
             pii=True),
    _company("cl_rut", "taxpayer of Chile", "cl.rut", "76086428-5", r"(?:CL ?)?\d{1,2}\.?\d{3}\.?\d{3}-?[\dKk]",
             "rut run",
             pii=True),
    _company("co_nit", "taxpayer of Colombia", "co.nit", "213.123.432-1", r"\d{1,3}\.?\d{3}\.?\d{3}-?\d", "nit",
             pii=True),
    _company("nz_ird", "taxpayer of New Zealand", "nz.ird", "4909185-0", r"(?:NZ ?)?[\d-]{8,11}", "ird", pii=True),
    _company("jp_cn", "company of Japan", "jp.cn", "5-8356-7825-6246", r"\d-?\d{4}-?\d{4}-?\d{4}",
             "法人番号 corporate"),
    _company("sg_uen", "entity of Singapore", "sg.uen", "197401143C", r"\d{8,9}[A-Z]|[TSR]\d{2}[A-Z]{2}\d{4}[A-Z]",
             "uen"),
    _company("fr_siret", "establishment in France", "fr.siret", "73282932000074", r"\d{3} ?\d{3} ?\d{3} ?\d{5}",
             "siret"),
    _company("fr_siren", "company of France", "fr.siren", "404833048", r"\d{3} ?\d{3} ?\d{3}", "siren"),
    _company("us_rtn", "bank of the United States, by its routing number", "us.rtn", "111000025", r"\d{9}",
             "rtn aba routing"),
    _company("creditor_reference", "reference of a payment (ISO 11649)", "iso11649", "RF18 5390 0754 7034",
             r"RF\d{2}(?: ?[A-Z0-9]){1,21}", "rf reference creditor", alone=1),
    _company("figi", "security, by its FIGI", "figi", "BBG000BLNQ16", r"[A-Z]{2}G[A-Z0-9]{8}\d", "figi", alone=3),
    _company("sedol", "security of London", "gb.sedol", "B15KXQ8", r"[0-9B-DF-HJ-NP-TV-Z]{6}\d", "sedol"),
    semantic(
        "vin", "vehicle (ISO 3779), with the check digit of North America", "1M8GDM9AXKP042788",
        r"[A-HJ-NPR-Z0-9]{8}[0-9X][A-HJ-NPR-Z0-9]{8}", vehicle, named="vin vehicle chassis fin fahrgestellnummer",
        alone=3,
    ),
    _company("container", "freight container (ISO 6346)", "iso6346", "CSQU3054383", r"[A-Z]{3}[UJZ] ?\d{6}[- ]?\d",
             "container", alone=1),
    _company("imo", "ship, by its IMO number", "imo", "IMO 9319466", r"(?:IMO ?)?\d{7}", "imo ship vessel"),
    _company("isrc", "recording (ISO 3901)", "isrc", "US-SKG-19-12345", r"[A-Z]{2}-?[A-Z0-9]{3}-?\d{2}-?\d{5}", "isrc",
             alone=5),
    _company("cas", "chemical substance, by its CAS number", "casrn", "87-86-5", r"[1-9]\d{1,6}-\d{2}-\d", "cas casrn",
             alone=5),
    _company("imsi", "subscriber of a mobile network", "imsi", "429011234567890", r"\d{14,15}", "imsi", pii=True),
)  # fmt: skip
