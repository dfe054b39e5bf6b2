"""The text of an expression into sqlglot's tree, by a dialect that knows nothing but scalar expressions.

sqlglot's own dialects know statements, types, casts of many spellings and hundreds of functions; this one has their
grammar of operators and calls and none of the rest, so what is not in the language does not even parse.
"""

import threading
from typing import Final

from sqlglot import exp, parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from octo_core.expressions.mistakes import ExpressionError

MAX_LENGTH: Final = 10_000
MAX_TOKENS: Final = 4_000
MAX_NESTING: Final = 30
"""Brackets, calls and CASEs in one another. sqlglot takes some 20 stack frames for each."""
_SHALLOW: Final = 6
CAST: Final = "cast"

_WORDS: Final = {
    "CASE": TokenType.CASE, "WHEN": TokenType.WHEN, "THEN": TokenType.THEN, "ELSE": TokenType.ELSE,
    "END": TokenType.END, "AND": TokenType.AND, "OR": TokenType.OR, "NOT": TokenType.NOT, "IN": TokenType.IN,
    "IS": TokenType.IS, "BETWEEN": TokenType.BETWEEN, "LIKE": TokenType.LIKE, "NULL": TokenType.NULL,
    "TRUE": TokenType.TRUE, "FALSE": TokenType.FALSE, "AS": TokenType.ALIAS, "SELECT": TokenType.SELECT,
    "||": TokenType.DPIPE, "<=": TokenType.LTE, ">=": TokenType.GTE, "<>": TokenType.NEQ, "!=": TokenType.NEQ,
}  # fmt: skip
_REFUSED: Final = {
    TokenType.SEMICOLON: "one expression is wanted; a semicolon has no place in it",
    TokenType.SELECT: "an expression is about one row: there are no queries in it",
    TokenType.PARAMETER: "there are no parameters in an expression",
    TokenType.PLACEHOLDER: "there are no parameters in an expression",
    TokenType.COLON: "a colon has no place in an expression; write a cast as cast(… as type)",
    TokenType.L_BRACE: "braces have no place in an expression",
    TokenType.R_BRACE: "braces have no place in an expression",
    TokenType.NATIONAL_STRING: "a text is written in plain quotes",
    TokenType.HINT: "comments have no place in an expression",
}
_OPENING: Final = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.CASE})
_CLOSING: Final = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.END})
_PREFIX: Final = frozenset({TokenType.NOT, TokenType.DASH, TokenType.PLUS})


class Scalar(Dialect):
    """Scalar expressions and nothing else."""

    class Tokenizer(tokens.Tokenizer):
        KEYWORDS = _WORDS

    class Parser(parser.Parser):
        FUNCTIONS = {}  # noqa: RUF012  (sqlglot's way to say it)
        NO_PAREN_FUNCTIONS = {}  # noqa: RUF012
        FUNCTION_PARSERS = {"CAST": lambda self: self.parse_cast_with_text()}  # noqa: RUF012
        NO_PAREN_FUNCTION_PARSERS = {"CASE": lambda self: self._parse_case()}  # noqa: RUF012

        def parse_cast_with_text(self) -> exp.Expr:
            """`cast(x as type)`, the type kept as text: which types there are is ours to say."""
            value = self._parse_disjunction()
            if not self._match(TokenType.ALIAS):
                self.raise_error("a cast is written cast(… as type)")
            words: list[str] = []
            start, depth = self._curr, 0
            while self._curr and (depth or self._curr.token_type != TokenType.R_PAREN):
                depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(self._curr.token_type, 0)
                words.append(self._curr.text)
                self._advance()
            name = exp.Literal.string(" ".join(words))
            if start and self._prev:
                name.update_positions(start)
            return exp.Anonymous(this=CAST, expressions=[value, name])


def syntax(text: str) -> exp.Expr:
    """sqlglot's tree of an expression. Raises ExpressionError for everything that is not one."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression is longer than {MAX_LENGTH:,} characters")
    if "\0" in text:
        raise ExpressionError("the expression holds a NUL character")
    try:
        found = Scalar().tokenize(text)
    except (SqlglotError, ValueError, IndexError) as error:
        raise ExpressionError(_tokenizing(text), text=text, offset=len(text) - 1) from error
    if not found:
        raise ExpressionError("the expression is empty")
    nesting = _check_tokens(text, found)
    return _parse(text, found) if nesting <= _SHALLOW else _with_own_stack(text, found)


def _tokenizing(text: str) -> str:
    for quote, name in (("'", "text"), ('"', "name in double quotes")):
        if text.count(quote) % 2:
            return f"a {name} does not end: a {quote} is missing"
    return "this cannot be read as an expression"


def _check_tokens(text: str, found: list[Token]) -> int:
    """How deep brackets nest. Raises ExpressionError for what no expression holds."""
    if len(found) > MAX_TOKENS:
        raise ExpressionError(f"the expression has more than {MAX_TOKENS:,} words and signs")
    depth = deepest = run = 0
    before: Token | None = None
    for token in found:
        if token.comments or token.token_type == TokenType.HINT:
            raise _at("comments have no place in an expression", text, token)
        if token.token_type in _REFUSED:
            raise _at(_REFUSED[token.token_type], text, token)
        if before and _gap(before, token):
            raise _at("something is missing before this", text, token)
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        run = run + 1 if token.token_type in _PREFIX else 0
        deepest = max(deepest, depth + run)
        before = token
        if deepest > MAX_NESTING:
            raise _at(f"the expression is nested more than {MAX_NESTING} deep", text, token)
    return deepest


def _gap(before: Token, token: Token) -> bool:
    """An argument left out, which sqlglot forgives."""
    if token.token_type == TokenType.COMMA:
        return before.token_type in (TokenType.COMMA, TokenType.L_PAREN, TokenType.L_BRACKET)
    return before.token_type == TokenType.COMMA and token.token_type in _CLOSING


def _at(message: str, text: str, token: Token) -> ExpressionError:
    return ExpressionError(message, text=text, offset=token.start, length=token.end - token.start + 1)


def _parse(text: str, found: list[Token]) -> exp.Expr:
    try:
        trees = Scalar().parser().parse_into(exp.Condition, found, text)
    except ParseError as error:
        raise _unexpected(text, found, error) from error
    except (SqlglotError, RecursionError, ValueError, AttributeError, TypeError, IndexError, KeyError) as error:
        raise ExpressionError("this cannot be read as an expression", text=text) from error
    if len(trees) != 1 or trees[0] is None:
        raise ExpressionError("this is not one expression", text=text)
    return trees[0]


def _unexpected(text: str, found: list[Token], error: ParseError) -> ExpressionError:
    first = error.errors[0] if error.errors else {}
    word = str(first.get("highlight") or "")
    line, column = int(first.get("line") or 1), int(first.get("col") or 1)
    token = next((token for token in found if token.line == line and token.col == column), found[-1])
    description = str(first.get("description") or "")
    if description.startswith("Expecting"):
        message = f"{description.split()[-1]} is missing"
    elif description.startswith("a cast"):
        message = description
    elif token is found[-1] and "Required" in description:
        message = "the expression ends too early"
    else:
        message = f"unexpected {text[token.start : token.end + 1] or word!r}"
    return _at(message, text, token)


def _with_own_stack(text: str, found: list[Token]) -> exp.Expr:
    """Parse on a fresh stack, so that what is accepted does not hang on how deep the caller already is."""
    outcome: list[exp.Expr | ExpressionError] = []

    def work() -> None:
        try:
            outcome.append(_parse(text, found))
        except ExpressionError as error:
            outcome.append(error)

    thread = threading.Thread(target=work, name="octopipe-expression")
    thread.start()
    thread.join()
    result = outcome[0] if outcome else ExpressionError("this cannot be read as an expression", text=text)
    if isinstance(result, ExpressionError):
        raise result
    return result
