"""What language models were asked and what they said: kept to be seen, to be paid once, and to be counted."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeVar

import sqlalchemy as sa

from octo_core.errors import UsageError
from octo_core.schema import Frozen
from octo_resources.registry.database import Database
from octo_resources.registry.tables import feedback, llm_call

T = TypeVar("T")


class LlmCall(Frozen):
    """One call with all its attempts. `prompt` and `answer` are JSON, redacted; `cost` is in US dollars."""

    id: int = 0
    pipeline: str
    purpose: str
    part: str
    model: str
    prompt_hash: str
    prompt: str
    answer: str | None = None
    state: Literal["asking", "answered", "failed"]
    """`asking`: on its way, or its process was killed; its tokens and cost are what was set aside for it."""
    error: str | None = None
    attempts: int
    tokens_in: int = 0
    tokens_out: int = 0
    cost: Decimal | None = None
    seconds: float
    reused: int = 0
    """How often the answer was taken again instead of asking."""
    at: datetime


class Spent(Frozen):
    tokens: int = 0
    money: Decimal = Decimal(0)


class Same(Frozen):
    """Which calls ask what one is about to ask: answered after the call of a number, or on their way for so long."""

    prompt_hash: str
    after: int
    patience: timedelta


class Elsewhere(Frozen):
    """Somebody else asks the same at this moment, or has just got the answer."""

    number: int
    asking: bool


class LlmCalls:
    """Added before they are made, ended with what came of them, and then not changed but for the count of reuse."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, call: LlmCall) -> int:
        """Keep a call; its number."""
        with self._database.write() as connection:
            return _added(connection, call)

    def asking(self, number: int) -> bool:
        """Whether a call is still on its way."""
        query = sa.select(llm_call.c.state).where(llm_call.c.id == number)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none() == "asking"

    def begin(
        self,
        pipeline: str,
        since: datetime,
        judge: Callable[[Spent], tuple[LlmCall, T] | str],
        same: Same | None = None,
    ) -> tuple[int, T] | Elsewhere | str:
        """Keep the call that `judge` makes of what the pipeline spent from a moment on; its number, or why not.

        One at a time: what another process has set aside for its own call counts as spent. Nothing is kept where
        somebody else asks the `same`.
        """
        with self._database.write() as connection:
            if same is not None:  # its lock goes first everywhere, or two could wait for each other
                self._database.hold(connection, f"llm question {same.prompt_hash}")
                elsewhere = _elsewhere(connection, same)
                if elsewhere is not None:
                    return elsewhere
            self._database.hold(connection, f"llm {pipeline}")
            found = judge(_spent(connection, pipeline, since))
            return found if isinstance(found, str) else (_added(connection, found[0]), found[1])

    def end(self, number: int, call: LlmCall) -> None:
        """What came of a call that was begun."""
        with self._database.write() as connection:
            connection.execute(sa.update(llm_call).where(llm_call.c.id == number).values(_values(call)))

    def answer_to(self, prompt_hash: str) -> LlmCall | None:
        """The newest answer to exactly this question; it counts as reused."""
        query = (
            sa.select(llm_call)
            .where(llm_call.c.prompt_hash == prompt_hash, llm_call.c.state == "answered")
            .order_by(llm_call.c.id.desc())
            .limit(1)
        )
        with self._database.write() as connection:
            row = connection.execute(query).mappings().one_or_none()
            if row is None:
                return None
            again = sa.update(llm_call).where(llm_call.c.id == row["id"]).values(reused=llm_call.c.reused + 1)
            connection.execute(again)
        return _call(row)

    def spent(self, pipeline: str, since: datetime) -> Spent:
        """Tokens and money of a pipeline's calls from a moment on."""
        with self._database.read() as connection:
            return _spent(connection, pipeline, since)

    def newest(self, pipeline: str | None = None, limit: int = 50) -> list[LlmCall]:
        """The newest calls first."""
        query = sa.select(llm_call).order_by(llm_call.c.id.desc()).limit(limit)
        if pipeline is not None:
            query = query.where(llm_call.c.pipeline == pipeline)
        with self._database.read() as connection:
            return [_call(row) for row in connection.execute(query).mappings()]

    def get(self, number: int) -> LlmCall:
        """One call. UsageError where there is none of that number."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(llm_call).where(llm_call.c.id == number)).mappings().one_or_none()
        if row is None:
            raise UsageError(f"there is no call {number}", hint="octopipe llm list")
        return _call(row)

    def clean(self, before: datetime, *, pipeline: str | None = None, dry_run: bool = False) -> int:
        """Remove calls made before a moment; how many."""
        old = llm_call.c.at < before
        if pipeline is not None:
            old = sa.and_(old, llm_call.c.pipeline == pipeline)
        with self._database.write() as connection:
            count = int(connection.execute(sa.select(sa.func.count()).select_from(llm_call).where(old)).scalar_one())
            if not dry_run:
                connection.execute(sa.delete(llm_call).where(old))
        return count


class Feedback:
    """What reviewers said of a pipeline's mapping in their own words, oldest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, pipeline: str, text: str, reviewer: str) -> None:
        values = {"pipeline": pipeline, "body": text, "reviewer": reviewer, "made_at": datetime.now(UTC)}
        with self._database.write() as connection:
            connection.execute(sa.insert(feedback).values(values))

    def of(self, pipeline: str) -> Sequence[str]:
        query = sa.select(feedback.c.body).where(feedback.c.pipeline == pipeline).order_by(feedback.c.id)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())


def _values(call: LlmCall) -> dict[str, Any]:
    values: dict[str, Any] = call.model_dump(exclude={"id", "cost", "reused"})
    return {**values, "cost": None if call.cost is None else str(call.cost)}


def _added(connection: sa.Connection, call: LlmCall) -> int:
    made = connection.execute(sa.insert(llm_call).values(_values(call)).returning(llm_call.c.id))
    return int(made.scalar_one())


def _elsewhere(connection: sa.Connection, same: Same) -> Elsewhere | None:
    now = datetime.now(UTC)  # clocks of two machines may differ: what begins later than now is not waited for long
    recent = llm_call.c.at.between(now - same.patience, now + same.patience)
    answered = sa.and_(llm_call.c.state == "answered", llm_call.c.id > same.after)
    query = (
        sa.select(llm_call.c.id, llm_call.c.state)
        .where(llm_call.c.prompt_hash == same.prompt_hash)
        .where(sa.or_(answered, sa.and_(llm_call.c.state == "asking", recent)))
        .order_by(llm_call.c.state, llm_call.c.id)  # answered before asking
    )
    row = connection.execute(query.limit(1)).one_or_none()
    return None if row is None else Elsewhere(number=row.id, asking=row.state == "asking")


def _spent(connection: sa.Connection, pipeline: str, since: datetime) -> Spent:
    columns = (llm_call.c.tokens_in, llm_call.c.tokens_out, llm_call.c.cost)
    query = sa.select(*columns).where(llm_call.c.pipeline == pipeline, llm_call.c.at >= since)
    rows = connection.execute(query).all()
    tokens = sum((row.tokens_in or 0) + (row.tokens_out or 0) for row in rows)
    return Spent(tokens=tokens, money=sum((Decimal(row.cost) for row in rows if row.cost), Decimal(0)))


def _call(row: sa.RowMapping) -> LlmCall:
    values = dict(row)
    counts = {name: values[name] or 0 for name in ("tokens_in", "tokens_out")}
    return LlmCall.model_validate({**values, **counts})
