"""What names in other languages say of persons, in the words that the semantic types know: 出生日期 speaks of a birth.

A stem counts wherever it stands in a name, as Chinese has no blanks and German glues its words together; accents and
case do not count.
"""

from functools import lru_cache
from typing import Final

from octo_core.letters import unaccented

_STEMS: Final = """
birth: geburt naissance nacimiento nascita nascimento geboorte fodelse fodsels urodz рожден 出生 生日 生年月日 ميلاد
phone: telefon telephon telefono rufnummer movil celular cellulare puhelin телефон
birth: dogum szuletes narozen fodt syntyma nasterii γεννησ народж 生まれ 誕生日 생년월일
gender: plec cinsiyet pohlavi sukupuoli 성별
address: adres lakcim osoite διευθυνσ 주소
phone: 手机 手機 电话 電話 携帯 전화 هاتف جوال
gender: geschlecht genero geslacht kjonn 性别 性別 الجنس
address: anschrift strasse adresse direccion domicilio indirizzo endereco адрес 地址 住址 住所 عنوان
passport: reisepass passeport pasaporte passaporto паспорт 护照 護照 جواز
身份证: 身份证 身分證 公民身份
fullname: 姓名 氏名 фамилия achternaam voornaam efternamn fornamn etternavn fornavn cognome apellido sobrenome nazwisko
fullname: prijmeni soyad soyisim vezeteknev keresztnev sukunimi отчество прізвище επωνυμο 성명
firstname: prenom vorname imie krestnijmeno krestni_jmeno etunimi
lastname: nachname familienname
"""
_WHOSE: Final = (
    "عميل",
    "موظف",
    "مريض",
    "طالب",
    "مستخدم",
    "客户",
    "客戶",
    "员工",
    "員工",
    "患者",
    "病人",
    "学生",
    "联系人",
)
_NAME: Final = ("اسم", "名")
"""In these languages a name is a person's where the person is named beside it: 客户名称, اسم العميل."""


@lru_cache(maxsize=8192)
def said(name: str) -> frozenset[str]:
    """The words of the semantic types that a name holds in another language; empty for most names."""
    text = _plain(name)
    found = {hint for hint, stems in _stems() if any(stem in text for stem in stems)}
    if any(word in text for word in map(_plain, _NAME)) and any(word in text for word in map(_plain, _WHOSE)):
        found.add("fullname")
    return frozenset(found)


def _plain(text: str) -> str:
    return unaccented(text.casefold().replace("ø", "o"))


@lru_cache(maxsize=1)
def _stems() -> tuple[tuple[str, tuple[str, ...]], ...]:
    lines = (line.partition(":") for line in _STEMS.strip().splitlines())
    return tuple((hint, tuple(map(_plain, rest.split()))) for hint, _, rest in lines)
