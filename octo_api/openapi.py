"""Writes docs/schemas/api/openapi.json (python -m octo_api.openapi)."""

import json
import sys
from pathlib import Path
from typing import Any, Final

from octo_api.app import api

PATH: Final = Path("docs") / "schemas" / "api" / "openapi.json"


def document() -> dict[str, Any]:
    """The OpenAPI document of the API."""
    found: dict[str, Any] = api().openapi()
    found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"token": []}]
    for path in ("/health", "/metrics"):
        found["paths"][path]["get"]["security"] = []
    return found


def text_of(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(text_of(document()), encoding="utf-8")
    sys.stdout.write(f"{PATH}\n")
