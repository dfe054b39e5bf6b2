"""Letters as they are compared: without accents."""

import unicodedata


def unaccented(text: str) -> str:
    """`text` in its compatible spelling (full-width letters, ligatures), without accents and marks."""
    if text.isascii():
        return text
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
