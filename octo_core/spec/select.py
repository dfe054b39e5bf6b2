"""Whether a text is what a source's `query` has to be: one SELECT that changes nothing."""

import logging

_FORBIDDEN = (
    "Insert", "Update", "Delete", "Merge", "Create", "Drop", "Alter", "TruncateTable", "Command", "Copy", "Into",
    "Lock", "Set", "Use", "Grant", "LoadData", "Transaction", "Commit", "Rollback", "Kill", "Analyze", "Pragma",
    "Attach", "Detach", "Export",
)  # fmt: skip


SCHEMES = {
    "postgresql": "postgres", "postgres": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite",
    "duckdb": "duckdb", "mssql": "tsql", "oracle": "oracle",
}  # fmt: skip
"""Of a database's URL: what sqlglot calls its SQL."""


def dialect_of(url: str) -> str | None:
    """sqlglot's name of the SQL that a URL's database speaks; None where the URL does not say."""
    return SCHEMES.get(url.partition("://")[0].partition("+")[0]) if "://" in url else None


def no_select(query: str, dialect: str | None = None) -> str | None:
    """Why the text is no single SELECT, in words; None where it is one. `dialect`: sqlglot's name of it."""
    import sqlglot  # 0.15 s, and only where there is a query
    from sqlglot import exp

    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        found = [one for one in sqlglot.parse(query, read=dialect) if one is not None]
    except sqlglot.errors.SqlglotError as error:
        return f"it is no SQL that can be read: {str(error).splitlines()[0]}"
    if len(found) != 1:
        return f"it has {len(found)} statements" if found else "it is empty"
    if not isinstance(found[0], exp.Query):
        return f"it is no SELECT but {found[0].key.upper()}"
    kinds = tuple(kind for name in _FORBIDDEN if (kind := getattr(exp, name, None)) is not None)
    inside = found[0].find(*kinds)
    return f"it has {inside.key.upper()} in it, and a source is only read" if inside is not None else None
