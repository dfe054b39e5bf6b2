"""What is lost and what is doubled when something breaks: every fault at every point of a load, in every mode.

`python -m benchmarks kill_matrix` starts a real broker, a real PostgreSQL and a Spark cluster of two workers, and
prints a table. `--only WORD`, as often as one likes, tries a part: a mode's name, or what a fault's text holds.
`--results FILE` keeps the outcomes, so that parts can be tried one after the other; the table is of all that it holds.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from benchmarks.kill_cells import CASES, MODES, Case, Mode, Outcome, table
from benchmarks.kill_faults import Registry
from benchmarks.kill_flood import flood
from benchmarks.kill_ground import Ground, tried
from benchmarks.kill_push import PushGround
from benchmarks.place import Place, place
from demo.broker import Broker

FLOOD: Final = "flood"
_EXECUTORS: Final = {
    "spark.executor.memory": "600m",
    "spark.executor.cores": "1",
    "spark.cores.max": "2",
    "spark.executor.extraJavaOptions": "-Xss4m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
"""Two for an application, one on each worker; the workers have room for a second application's."""


def run_kill_matrix(only: Sequence[str] = (), results: Path | None = None) -> None:
    """Print the matrix. Raises SystemExit where anything was lost or doubled."""
    wanted, flooded = chosen(only), not only or FLOOD in only
    if not wanted and not flooded:
        raise SystemExit(f"no cell is called {', '.join(only)}; the modes are {', '.join([*MODES, FLOOD])}")
    outcomes = {one.case: one for one in kept(results)}
    with place() as here, Registry().served() as registry:
        broker = Broker(here.folder / "broker").start()
        try:
            for mode in MODES.values():
                cases = [one for one in wanted if one.mode == mode.name]
                for outcome in tried_all(mode, cases, here, broker, registry) if cases else ():
                    outcomes[outcome.case] = outcome
                    keep(results, outcome)
            if flooded:
                here.run(f"CREATE DATABASE {FLOOD}")
                flood(here.folder / FLOOD, broker, here.url.replace("/bench?", f"/{FLOOD}?"))
        finally:
            broker.stop()
    made = [outcomes[case] for case in CASES if case in outcomes]
    if not made:
        return
    print("\n".join(["", *table(made), "", f"{len(made)} cells: lost / doubled."]))
    if not all(one.good for one in made):
        raise SystemExit(
            "rows were lost or doubled, a ledger does not add up, or a fault met nobody: see the lines above"
        )


def chosen(only: Sequence[str]) -> list[Case]:
    """The cells asked for: those of the modes named, of them those whose text has one of the other words."""
    if FLOOD in only:
        only = [word for word in only if word != FLOOD]
        if not only:
            return []
    modes = {word for word in only if word in MODES} or set(MODES)
    texts = [word for word in only if word not in MODES] or [""]
    return [case for case in CASES if case.mode in modes and any(text in case.text for text in texts)]


def tried_all(mode: Mode, cases: Sequence[Case], here: Place, broker: Broker, registry: Registry) -> Iterator[Outcome]:
    """The cells of one mode, each printed when it is done."""
    database = mode.name.replace("-", "_")
    here.run(f"CREATE DATABASE {database}")
    url = here.url.replace("/bench?", f"/{database}?")
    with ExitStack() as stack:
        engine = stack.enter_context(engine_of(mode, here.folder))
        if mode.comes == "kafka":
            ground = Ground(here.folder / mode.name, broker, url, registry=registry, engine=engine).prepare()
        else:
            pushed = PushGround(here.folder / mode.name, broker, url, engine=engine, onward=mode.comes == "topic")
            ground = stack.enter_context(pushed.served())
        stack.callback(ground.end)
        for number, case in enumerate(cases, 1):
            began = time.monotonic()
            outcome = tried(ground, case)
            print(f"{number:>3}/{len(cases)} {time.monotonic() - began:>4.0f} s  {outcome.line}", flush=True)
            yield outcome


@contextmanager
def engine_of(mode: Mode, folder: Path) -> Iterator[dict[str, Any] | None]:
    """The engine of the mode's pipeline: on Spark a cluster of a master and two workers."""
    if not mode.spark:
        yield None
        return
    from demo.cluster import standalone

    with standalone(folder, cores=2, memory="2g") as cluster:
        yield {"kind": "spark", "master": cluster.master, "conf": _EXECUTORS}


def keep(results: Path | None, outcome: Outcome) -> None:
    if results is not None:
        with results.open("a") as file:
            file.write(json.dumps(asdict(outcome)) + "\n")


def kept(results: Path | None) -> Iterator[Outcome]:
    """What earlier runs found; of two outcomes of a cell the later one."""
    if results is None or not results.exists():
        return
    for line in results.read_text().splitlines():
        found = Outcome(**json.loads(line))
        yield replace(found, case=Case(**json.loads(line)["case"]))
