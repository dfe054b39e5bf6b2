"""The cells of the kill matrix: what breaks, at which point of a load, for which way of loading; and their table."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

POINTS: Final = ("began", "copied", "before_commit", "after_commit", "told")
"""Of every load; tests and `benchmarks.killed` know them by the names that the load has for them."""
WHEN: Final = {
    "began": "before staging",
    "copied": "after staging",
    "before_commit": "before the commit",
    "after_commit": "after it, before the registry is told",
    "told": "after that, before Dagster is told",
    "task": "while tasks bring rows",
    "reading": "while it reads",
    "pushing": "while items are pushed",
    "": "",
}


@dataclass(frozen=True, slots=True)
class Mode:
    """A way of loading, one column of the table. `how`: by a run, or by a stream."""

    name: str
    comes: Literal["kafka", "push", "topic"]
    how: Literal["batch", "continuous"]
    spark: bool = False

    @property
    def heading(self) -> str:
        source = {"kafka": "Kafka", "push": "push", "topic": "push to topic"}[self.comes]
        return f"{source}, {self.how}{' on Spark' if self.spark else ''}"


MODES: Final = {
    mode.name: mode
    for mode in (
        Mode("batch", "kafka", "batch"),
        Mode("continuous", "kafka", "continuous"),
        Mode("spark", "kafka", "batch", spark=True),
        Mode("spark-continuous", "kafka", "continuous", spark=True),
        Mode("push", "push", "batch"),
        Mode("push-continuous", "push", "continuous"),
        Mode("push-spark", "push", "batch", spark=True),
        Mode("topic", "topic", "batch"),
        Mode("topic-continuous", "topic", "continuous"),
    )
}
SERVER: Final = {
    "push server killed before it writes": "committing",
    "push server killed after it wrote, before 202": "committed",
    "push server killed amid the topic's transaction": "produced",
    "push server killed after the topic's commit, before its note": "noting",
}
"""What the server meets, and the point of it at `benchmarks.killed`."""
DRAIN: Final = {
    "extraction killed before its batch is there": "landing",
    "extraction killed when its batch is there": "landed",
}
BETWEEN: Final = "push server killed between 202 and the load"
_PROCESS, _EXECUTOR, _WORKER = "driver killed", "executors killed", "Python workers killed"
_KILLED, _SLOW, _TWO = "broker killed and restarted", "broker slow", "another takes over (rebalance)"
_DOUBLED, _POISON, _REGISTRY = "duplicate delivery", "poison message", "schema registry gone"
ROWS: Final = (
    *((_PROCESS, point) for point in ("began", "task", *POINTS[1:])),
    *((_EXECUTOR, point) for point in ("began", "task", *POINTS[1:])),
    *((_WORKER, point) for point in ("began", "task", *POINTS[1:])),
    *((_KILLED, point) for point in ("pushing", "reading", *POINTS)),
    *((_SLOW, point) for point in ("pushing", "reading", "copied")),
    *((_TWO, point) for point in ("reading", *POINTS[:-1])),
    (_DOUBLED, ""),
    (_POISON, ""),
    (_REGISTRY, ""),
    *((fault, "") for fault in (*SERVER, BETWEEN, *DRAIN)),
)
WHY_NOT: Final = {
    1: "there is none: the load is one process",
    2: "only tasks on Spark make tables of their own; the points before and after cover it",
    3: "there is no broker on the way of what is pushed without `to`",
    4: "nothing is pushed",
    5: "a registry is for messages; what is pushed is JSON",
    6: "there is no topic",
    7: "a batch's session has no Python worker before its first task",
}
"""The dashes of the table."""


def refusal(fault: str, point: str, mode: Mode) -> int | None:
    """Which of WHY_NOT makes the cell senseless; None where it is tried."""
    if fault in (_EXECUTOR, _WORKER) and not mode.spark:
        return 1
    if point == "task" and not mode.spark:
        return 2
    if fault == _WORKER and point == "began" and mode.how == "batch":
        return 7
    if fault in (_KILLED, _SLOW) and mode.comes == "push":
        return 3
    if point == "pushing" and mode.comes == "kafka":
        return 4
    if fault == _REGISTRY and mode.comes != "kafka":
        return 5
    if mode.comes == "kafka" and (fault in SERVER or fault == BETWEEN):
        return 4
    return 6 if mode.comes == "push" and SERVER.get(fault) in ("produced", "noting") else None


@dataclass(frozen=True, slots=True)
class Case:
    """One cell: a fault at a point, in a mode (its name in MODES)."""

    fault: str
    point: str
    mode: str

    @property
    def text(self) -> str:
        return f"{self.fault}{', ' if self.point else ''}{WHEN[self.point]}"

    @property
    def way(self) -> Mode:
        return MODES[self.mode]

    @property
    def kills_the_load(self) -> bool:
        """Whether the load, or its extraction, runs in a process of its own, which dies."""
        return self.fault == _PROCESS or self.fault in DRAIN

    @property
    def doubles(self) -> bool:
        return self.fault == _DOUBLED

    @property
    def poisons(self) -> bool:
        """A broker that dies has a letter to take as well."""
        return self.fault in (_POISON, _KILLED)


CASES: Final = tuple(
    Case(fault, point, mode.name)
    for mode in MODES.values()
    for fault, point in ROWS
    if refusal(fault, point, mode) is None
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case's rows. `met`: how many processes were there to be killed, or requests refused."""

    case: Case
    messages: int
    lost: int
    doubled: int
    quarantined: int
    balanced: bool
    met: bool = True

    @property
    def good(self) -> bool:
        return not self.lost and not self.doubled and self.balanced and self.met

    @property
    def line(self) -> str:
        ledger = "the ledger adds up" if self.balanced else "THE LEDGER DOES NOT ADD UP"
        met = "" if self.met else "; THE FAULT MET NOBODY"
        return (
            f"{self.case.mode:<17} {self.case.text:<70} {self.messages:>6} messages, {self.quarantined} aside, "
            f"lost {self.lost}, doubled {self.doubled}; {ledger}{met}"
        )

    @property
    def cell(self) -> str:
        return f"{self.lost} / {self.doubled}" if self.good else f"**{self.lost} / {self.doubled}**"


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The matrix in Markdown: lost / doubled; a number in brackets where a cell makes no sense; `?`: not tried."""
    done: Mapping[tuple[str, str, str], Outcome] = {
        (one.case.fault, one.case.point, one.case.mode): one for one in outcomes
    }
    modes = [mode for mode in MODES.values() if any(one.case.mode == mode.name for one in outcomes)]
    yield f"| what breaks | {' | '.join(mode.heading for mode in modes)} |"
    yield f"|---|{'---|' * len(modes)}"
    used: set[int] = set()
    for fault, point in ROWS:
        cells = []
        for mode in modes:
            found, why = done.get((fault, point, mode.name)), refusal(fault, point, mode)
            used |= {why} - {None}  # type: ignore[arg-type]  # what is left are numbers
            cells.append(found.cell if found is not None else "?" if why is None else f"– ({why})")
        if any(one != "?" for one in cells):
            yield f"| {Case(fault, point, '').text} | {' | '.join(cells)} |"
    yield ""
    yield from textwrap.wrap("Dashes: " + "; ".join(f"({one}) {WHY_NOT[one]}" for one in sorted(used)) + ".", 118)
