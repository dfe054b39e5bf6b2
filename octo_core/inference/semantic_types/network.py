"""Semantic types of networks and software."""

from typing import Final

from octo_core.inference.semantic_types import checks
from octo_core.inference.semantic_types.model import semantic

_HEX = r"[0-9A-Fa-f]"
_HOST = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"

NETWORK: Final = (
    semantic(
        "email",
        "address of electronic mail",
        "ann@example.org",
        r"[^@\s,;<>\"]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}",
        alone=1,
        named="email emails mail",
        pii=True,
    ),
    semantic(
        "url",
        "address of a page or file",
        "https://example.org/a?b=1",
        r"(?i:(?:https?|ftp|s3|gs|wss?)://[^\s/$.?#].[^\s]*|www\.[^\s.]+\.[^\s]{2,})",
        alone=1,
    ),
    semantic(
        "ip",
        "address of a host, version 4 or 6",
        "10.0.0.1",
        rf"\d{{1,3}}(?:\.\d{{1,3}}){{3}}|{_HEX}*:[0-9A-Fa-f:.]+",
        checks.ip,
        alone=1,
        pii=True,
    ),
    semantic("cidr", "range of addresses", "10.0.0.0/8", r"[0-9A-Fa-f:.]{3,39}/\d{1,3}", checks.network, alone=1),
    semantic(
        "mac",
        "address of a network card",
        "00:1A:2B:3C:4D:5E",
        rf"{_HEX}{{2}}(?::{_HEX}{{2}}){{5}}|{_HEX}{{2}}(?:-{_HEX}{{2}}){{5}}|(?:{_HEX}{{4}}\.){{2}}{_HEX}{{4}}",
        alone=1,
    ),
    semantic(
        "jwt",
        "signed token (JSON Web Token)",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        r"eyJ[\w-]+\.eyJ[\w-]*\.[\w-]*",
        checks.jwt,
        alone=1,
        pii=True,
    ),
    semantic(
        "mime",
        "type of a file's content",
        "image/png",
        r"(?:application|audio|font|image|message|model|multipart|text|video)/[\w.+-]+(?:; ?[\w=.-]+)*",
        alone=1,
    ),
    semantic(
        "hash",
        "digest: MD5, SHA-1, SHA-2",
        "d41d8cd98f00b204e9800998ecf8427e",
        rf"(?:{_HEX}{{32}}|{_HEX}{{40}}|{_HEX}{{56}}|{_HEX}{{64}}|{_HEX}{{96}}|{_HEX}{{128}})",
        checks.has_letter,
        alone=1,
    ),
    semantic(
        "colour",
        "colour in hexadecimal",
        "#ff8800",
        rf"#?(?:{_HEX}{{3}}|{_HEX}{{6}}|{_HEX}{{8}})",
        named="color colour farbe couleur colore hex rgb",
    ),
    semantic(
        "colour", "colour in hexadecimal", "#ff8800", rf"#(?:{_HEX}{{6}}|{_HEX}{{8}})", checks.has_letter, alone=5
    ),
    semantic(
        "semver",
        "version of software",
        "1.4.0-rc.1",
        r"v?(?:0|[1-9]\d{0,5})(?:\.(?:0|[1-9]\d{0,5})){2}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?",
        named="version semver release ver",
        alone=5,
    ),
    semantic("hostname", "name of a host", "db.example.org", _HOST, named="host hostname domain fqdn server site node"),
)
