"""Where people live and what they keep secret, told by its form: streets with a number, passwords, tokens, keys."""

import re
from typing import Final

_NUMBER: Final = r"\d{1,5}(?: ?[a-zA-Z])?(?:[/-]\d{1,4}[a-zA-Z]?)?(?!\w)"
_NAME: Final = r"[^\W\d_][\w'’.-]{0,30}"
_KIND: Final = (
    r"(?:street|st|str|avenue|ave|road|rd|lane|ln|boulevard|blvd|parkway|pkwy|highway|hwy|crescent|terrace|stra(?:ß|ss)e"
    r"|weg|allee|platz|gasse|ufer|laan|straat|plein|gracht|gatan|vägen|gate|veien|vej|katu|utca|út|ulica|ulice|sokak"
    r"|sokağı|caddesi|cd|sk|улица|ул|проспект|(?-i:Way|WAY|Row|ROW|Place|PLACE|Drive|DRIVE|Dr|DR|Close|CLOSE|Court|COURT"
    r"|Square|SQUARE|Ring|Damm))\b\.?"
)
"""What a street's name ends with, as a word of its own; those that are everyday words with a capital only."""
_GLUED: Final = (
    r"[^\W\d_]{2,30}(?:stra(?:ß|ss)e|str\.?|weg|gasse|allee|platz|ufer|damm|laan|straat|plein|gracht|gatan|vägen|veien"
    r"|gata|svej|sgade|katu|utca)"
)
_BEFORE: Final = (
    r"(?:rue|avenue|boulevard|bd|chemin|impasse|all[ée]e|quai|viale|corso|piazza|vicolo|calle|c/|avenida"
    r"|avda|av|plaza|paseo|camino|rua|travessa|praça|ul|ulica|ulice|aleja|os|strada|str|calea|bulevardul|jalan|jl"
    r"|улица|ул|проспект|пр|(?-i:Place|PLACE|Via|VIA|(?:place|via)(?= [A-ZÀ-Þ])))(?:\.? |\.)"
)
"""What a street's name begins with."""
_STREET: Final = re.compile(
    rf"(?<!\w)(?:{_NUMBER},? (?:{_NAME} ){{1,4}}{_KIND}"
    rf"|(?:{_NAME} ){{1,4}}{_KIND},? {_NUMBER}"
    rf"|{_GLUED} {_NUMBER}|{_NUMBER},? {_GLUED}(?!\w)"
    rf"|{_NUMBER},? (?:(?:bis|ter),? )?(?!via ){_BEFORE}(?:{_NAME} ?){{1,5}}"
    rf"|{_BEFORE}(?:{_NAME},? ){{1,5}}(?:n[.º°]? ?)?{_NUMBER})",
    re.IGNORECASE,
)
_DIGIT: Final = re.compile(r"\d")

_SAID: Final = (
    r"(?:pass(?:word|wort|phrase|code|wd)?s?|pwd|kennwort|geheimzahl|pin|puk|tan|otp|cvv2?|cvc2?|token|secret"
    r"|(?:api|access|private|secret)[ _-]?key|contraseña|contrasena|clave|mot de passe|mdp|code secret|senha"
    r"|parola(?: d'ordine)?|wachtwoord|lösenord|losenord|adgangskode|passord|salasana|hasło|haslo|heslo|jelszó"
    r"|jelszo|şifre|sifre|пароль|пин|κωδικός|密码|密碼|口令|パスワード|暗証番号|비밀번호|كلمة المرور|סיסמה"
    r"|पासवर्ड)"
)
"""Words for a secret."""
_SECRETS: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[^-]*(?:-----END[A-Z0-9 -]{0,60})?"
    r"|\beyJ[\w-]{8,}(?:\.[\w-]*){1,4}"
    r"|(?<![^\W_])bearer +[^\s,;\"']{8,}"
    rf"|(?<![^\W_]){_SAID}[\"']?(?:\s{{0,3}}[:=：]\s{{0,3}}(?P<told>[^\s,;]{{2,}})"
    r"|\s{1,3}(?:(?:is|ist|es|est|was|lautet|no\.?|nr\.?) )?(?P<beside>(?=[^\s,;]*[\d!#$%&*?])[^\s,;]{3,}))",
    re.IGNORECASE,
)
_PASSWORD: Final = re.compile(
    r"(?![#$])(?=\S*\d)(?=\S*[^\W\d_])(?=\S*[!#$%^&*?=~+|\\])[^\s;,/:]{6,40}"  # Zebra!4
)
_TOKEN: Final = re.compile(r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=(?:\D*\d){2})[\w+/=-]{12,}")
_CLASSES: Final = re.compile(r"[a-z]+|[A-Z]+|\d+")
_MIXED: Final = 7
"""Changes between capitals, small letters and digits that words joined to a name seldom have."""


def streets(text: str) -> list[tuple[int, int]]:
    """Where addresses stand: the name of a street, told by its kind in several languages, beside a number."""
    return [found.span() for found in _STREET.finditer(text)] if _DIGIT.search(text) else []


def secrets(text: str) -> list[tuple[int, int]]:
    """Where secrets stand: what comes after a word for one (`PIN 4471`), private keys, signed tokens."""
    found = []
    for one in _SECRETS.finditer(text):
        group = "told" if one["told"] else "beside" if one["beside"] else 0
        found.append(one.span(group))
    return found


def is_address(value: str) -> bool:
    return bool(streets(value))


def is_secret(value: str) -> bool:
    """Whether a whole value holds a secret, or looks like a password or a token."""
    if secrets(value) or _PASSWORD.fullmatch(value) is not None:
        return True
    return _TOKEN.fullmatch(value) is not None and len(_CLASSES.findall(value)) >= _MIXED
