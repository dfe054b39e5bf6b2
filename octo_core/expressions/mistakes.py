"""The one error of the expression language: what is wrong, where in the text, and the nearest name that is right."""

from octo_core.errors import UsageError

MAX_SNIPPET = 120


class ExpressionError(UsageError):
    """An expression that cannot be. `offset` counts characters from 0, `line` and `column` from 1.

    `snippet` is the line with a marker under the place, for a reader's eyes; `nearest` the name that was perhaps meant.
    """

    def __init__(
        self, message: str, *, text: str = "", offset: int = 0, length: int = 1, nearest: str | None = None
    ) -> None:
        self.text = text
        self.offset = max(0, min(offset, len(text)))
        self.length = max(1, length)
        self.nearest = nearest
        before = text[: self.offset]
        self.line = before.count("\n") + 1
        self.column = len(before) - (before.rfind("\n") + 1) + 1
        self.snippet = self._snippet()
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message}\n{self.snippet}" if self.snippet else self.message

    def _snippet(self) -> str:
        lines = self.text.split("\n")
        if not self.text.strip() or self.line > len(lines):
            return ""
        line, start = lines[self.line - 1].replace("\t", " "), self.column - 1
        first = max(0, start - MAX_SNIPPET // 2) if len(line) > MAX_SNIPPET else 0
        shown = line[first : first + MAX_SNIPPET]
        marks = max(1, min(self.length, len(shown) - (start - first)))
        return f"│ {shown}\n│ {' ' * (start - first)}{'^' * marks}"
