"""Semantic types of persons. All but the city are personal data, which plans mask."""

from typing import Final

from octo_core.inference.semantic_types.checks import international_phone, stdnum
from octo_core.inference.semantic_types.model import CODE, DAY, Semantic, semantic

_NAME = r"[^\W\d_][^\d@/\\<>{}\[\]|#$%^*+=~]{0,79}"
_GENDERS: Final = (
    "m f x o u d w h v male female man woman men women other unknown undisclosed nonbinary non-binary diverse divers "
    "männlich weiblich hombre mujer masculino femenino homme femme masculin féminin maschio femmina masculin n n/a na "
    "男 女 男性 女性 ذكر أنثى انثى мужской женский м ж"
)


def _national(name: str, place: str, module: str, example: str, looks: str, named: str) -> Semantic:
    """A number by which a state knows its people; without a name that says so it could be any number."""
    return semantic(
        name,
        f"person, by the number that {place} gives",
        example,
        looks,
        stdnum(module),
        named=named,
        pii=True,
        families=CODE,
    )


NATIONAL: Final = (
    semantic(
        "ssn",
        "person, by the social security number of the United States",
        "536-90-4399",
        r"\d{3}-\d{2}-\d{4}",
        stdnum("us.ssn"),
        named="ssn social",
        alone=1,
        pii=True,
    ),
    _national("ssn", "the United States", "us.ssn", "536904399", r"\d{9}", "ssn social"),
    _national("es_dni", "Spain", "es.dni", "54362315K", r"\d{8}-?[A-Z]", "dni nif"),
    _national("es_nie", "Spain to foreigners", "es.nie", "X2482300W", r"[XYZ]-?\d{7}-?[A-Z]", "nie nif dni"),
    _national(
        "de_idnr", "Germany", "de.idnr", "36574261809", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "idnr steuerid steuer tin"
    ),
    _national("fr_nir", "France", "fr.nir", "2 95 10 99 126 111 93", r"[12][ \d]{12,20}", "nir insee secu"),
    _national(
        "it_codicefiscale",
        "Italy",
        "it.codicefiscale",
        "RCCMNL83S18D969H",
        r"[A-Za-z]{6}[A-Za-z0-9]{10}",
        "fiscale codicefiscale cf",
    ),
    _national("gb_nhs", "the health service of England", "gb.nhs", "943 476 5870", r"\d{3}[ -]?\d{3}[ -]?\d{4}", "nhs"),
    _national("nl_bsn", "the Netherlands", "nl.bsn", "111222333", r"\d{8,9}", "bsn sofi"),
    _national("be_nn", "Belgium", "be.nn", "85.07.30-033.28", r"[\d.\- ]{11,15}", "rijksregister nn niss insz"),
    _national("pl_pesel", "Poland", "pl.pesel", "44051401359", r"\d{11}", "pesel"),
    _national("pt_nif", "Portugal", "pt.nif", "501964843", r"\d{3} ?\d{3} ?\d{3}", "nif contribuinte"),
    _national(
        "se_personnummer", "Sweden", "se.personnummer", "880320-0016", r"(?:\d{2})?\d{6}[-+]?\d{4}", "personnummer pnr"
    ),
    _national("dk_cpr", "Denmark", "dk.cpr", "211062-5629", r"\d{6}-?\d{4}", "cpr"),
    _national("fi_hetu", "Finland", "fi.hetu", "131052-308T", r"\d{6}[-+A-Y]\d{3}[0-9A-Y]", "hetu henkilötunnus"),
    _national("ch_ahv", "Switzerland", "ch.ssn", "756.9217.0769.85", r"756[.\d]{10,13}", "ahv avs navs"),
    _national("br_cpf", "Brazil", "br.cpf", "390.533.447-05", r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", "cpf"),
    _national("ca_sin", "Canada", "ca.sin", "123-456-782", r"\d{3}[- ]?\d{3}[- ]?\d{3}", "sin nas"),
    _national("in_aadhaar", "India", "in_.aadhaar", "234123412346", r"\d{4} ?\d{4} ?\d{4}", "aadhaar aadhar uidai"),
    _national("in_pan", "India's tax office", "in_.pan", "ACUPA7085R", r"[A-Z]{5}\d{4}[A-Z]", "pan"),
    _national("mx_curp", "Mexico", "mx.curp", "BOXW310820HNERXN09", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d", "curp"),
    _national("cn_ric", "China", "cn.ric", "360426199101010071", r"\d{17}[\dXx]", "ric idcard shenfenzheng 身份证"),
)

PHONES: Final = (
    semantic(
        "phone",
        "telephone number, with its country",
        "+34 612 345 678",
        r"(?:\+|00)[1-9][\d\s().\-/]{5,20}\d(?:\s*(?:x|ext\.?)\s*\d{1,6})?",
        international_phone,
        alone=1,
        pii=True,
    ),
    semantic(
        "phone",
        "telephone number, as North America writes it",
        "(212) 555-0100",
        r"\(\d{3}\)\s?\d{3}[-. ]\d{4}|\d{3}-\d{3}-\d{4}",
        alone=1,
        pii=True,
    ),
    semantic(
        "phone",
        "telephone number",
        "2125550100",
        r"(?i:(?:\+|00)?[\d(][\d\s().\-/]{6,20}\d(?:\s*(?:x|ext\.?)\s*\d{1,6})?)",
        named="phone tel telephone mobile cell fax phones telefono telefon handy msisdn contact",
        pii=True,
        families=CODE,
    ),
)

_WHOSE = "firstname lastname surname fullname forename givenname familyname maidenname nachname vorname apellido prenom"

NAMED: Final = (
    semantic(
        "birth_date",
        "day of birth",
        "1983-11-18",
        r".*\d.*",
        named="dob birthdate birthday birth born nacimiento",
        pii=True,
        families=DAY,
    ),
    semantic("person_name", "name of a person", "Ann Smith", _NAME, named=_WHOSE, pii=True),
    semantic(
        "gender",
        "gender or sex",
        "female",
        rf"(?i:{'|'.join(sorted(set(_GENDERS.split())))})|[012]",
        named="gender sex geschlecht sexe sexo genero",
        pii=True,
    ),
    semantic(
        "address",
        "street and number",
        "12 Oak Street",
        r".*[^\W\d_].*",
        named="address street addr adresse direccion strasse",
        pii=True,
    ),
    semantic("city", "town", "Madrid", _NAME, named="city town municipality ciudad ville stadt"),
    semantic("passport", "passport", "C01X00T47", r"[A-Za-z0-9]{6,12}", named="passport", pii=True, families=CODE),
)

PEOPLE: Final = (*NATIONAL, *PHONES)
