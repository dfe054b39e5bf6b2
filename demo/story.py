"""What happens in the demo, step by step, by the commands that a user would give."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from demo import source
from demo.servers import FILES, ROOT, STATE, Servers, start, stop

OCTOPIPE = Path(sys.executable).with_name("octopipe")
REVIEWER = "ana@airline.example"
WAITS = 3
_PLAN = re.compile(r"plan ([0-9a-f]{8})")


@dataclass
class Story:
    """Tells what is done, and does it."""

    screen: Console
    servers: Servers
    began: float

    def chapter(self, title: str, about: str = "") -> None:
        self.screen.print()
        seconds = f"{time.monotonic() - self.began:.0f} s"
        self.screen.print(Rule(Text(f"{title}  ({seconds})"), align="left", style="cyan"))
        if about:
            self.screen.print(about, style="dim", soft_wrap=True, markup=False)

    def say(self, text: str) -> None:
        self.screen.print(text, markup=False, soft_wrap=True, highlight=False)

    def run(self, *words: str, expect: int = 0, quiet: bool = False) -> str:
        """Give a command as a user would; its output is shown unless `quiet`."""
        self.screen.print(Text(f"$ octopipe {' '.join(_quoted(word) for word in words)}", style="bold"))
        command = [str(OCTOPIPE), *words]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | self.servers.environment() | {"COLUMNS": "118"},
            capture_output=True,
            check=False,
            text=True,
        )
        if not quiet or done.returncode != expect:
            self.say(done.stdout.rstrip())
            if done.stderr.strip():
                self.say(done.stderr.rstrip())
        if done.returncode != expect:
            raise SystemExit(f"expected exit code {expect}, got {done.returncode}")
        return done.stdout


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


def tell() -> int:
    """The whole story, on a fresh state."""
    screen = Console(highlight=False, width=120 if not sys.stdout.isatty() else None)
    began = time.monotonic()
    _fresh()
    screen.print(Rule("Octopipe: from a source nobody controls to approved, loaded tables", style="bold cyan"))
    screen.print("Starting the airline's PostgreSQL and the flight API …", style="dim")
    servers, process = start()
    story = Story(screen, servers, began)
    try:
        _prepare(story)
        _approve_and_load(story, _plan(story))
        _load_again(story)
        _change(story)
        _spoil(story)
        _drift(story)
        _end(story)
    finally:
        stop(process)
    return 0


def _fresh() -> None:
    """Take away what an earlier demo left; the warehouse too."""
    for name in ("registry.db", "registry.db-wal", "registry.db-shm"):
        (ROOT / ".octopipe" / name).unlink(missing_ok=True)
    for folder in ("landing", "quarantine", "logs", "dagster", "demo", "tmp"):
        shutil.rmtree(ROOT / ".octopipe" / folder, ignore_errors=True)
    FILES.mkdir(parents=True, exist_ok=True)
    with gzip.open(FILES / "airports.csv.gz", "wb") as out:
        out.write(source.data_file("airports.csv").read_bytes())
    rows = source.data_file("airlines.csv").read_text().splitlines()[1:]
    lines = (dict(zip(("carrier", "name"), row.split(",", 1), strict=True)) for row in rows)
    (FILES / "carriers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def _prepare(story: Story) -> None:
    story.chapter(
        "1  The destination is the airline's own",
        "Three tables with their own names, units, keys, checks and comments (demo/warehouse.sql). Octopipe makes only "
        "its own state tables, and a DBA may do that instead: octopipe destination prepare flights --sql",
    )
    story.run("check")
    story.run("destination", "prepare", "flights")
    story.run("destination", "pull", "flights")


def _plan(story: Story) -> str:
    story.chapter(
        "2  What others refer to comes first: carriers and airports, from files",
        "Nothing loads before a person has read the plan and approved exactly that: a run before it lands and waits. "
        "Here the demo plays the person; you would give the same command, or use the Launchpad of `approved_mapping`.",
    )
    for name, shown in (
        ("carriers", story.run("run", "carriers", expect=WAITS)),
        ("airports", story.run("plan", "airports")),
    ):
        _approve(story, name, shown)
        story.run("run", name)
    story.chapter(
        "3  The flights: read, type, map, plan",
        "336,776 flights from a paged API with a token, rate limits and moods.",
    )
    story.run("schema", "flights")
    story.chapter("   The plan of flights, as a reader sees it")
    return story.run("plan", "flights")


def _approve_and_load(story: Story, plan: str) -> None:
    story.chapter("4  Approve, and load")
    _approve(story, "flights", plan)
    story.run("run", "flights")


def _approve(story: Story, name: str, shown: str) -> None:
    """Approve the plan that was `shown`, by the fingerprint that a reader finds there."""
    fingerprint = _PLAN.search(shown)
    if fingerprint is None:
        raise SystemExit(f"no plan of {name} was shown")
    story.run(
        "approve", name, "--fingerprint", fingerprint[1], "--reviewer", REVIEWER, "--reason", "read and understood"
    )


def _load_again(story: Story) -> None:
    story.chapter("5  Load again: nothing is doubled")
    story.run("run", "flights")


def _change(story: Story) -> None:
    story.chapter("6  The source changes 1,000 rows: updates are counted")
    _happens(delayed=list(range(5000, 6000)))
    story.run("run", "flights")


def _spoil(story: Story) -> None:
    story.chapter("7  The source spoils 75 rows: they are set aside with their reasons, the good ones load")
    _happens(delayed=list(range(5000, 6000)), spoiled=list(range(70_000, 70_075)))
    story.run("run", "flights")
    story.run("quarantine", "list", "flights")
    story.run("quarantine", "show", "flights", "--rows", "2")


def _drift(story: Story) -> None:
    story.chapter(
        "8  The source changes a field's type: the data lands, the load waits",
        "air_time was minutes, and is text like 3h47 from now on.",
    )
    _happens(delayed=list(range(5000, 6000)), air_time_as_text=True)
    story.run("run", "flights", expect=WAITS)
    story.run("plan", "flights", "--diff")
    story.say("A reviewer says how to read it from now on:")
    expression = "cast(split_part(air_time, 'h', 1) as int32) * 60 + cast(split_part(air_time, 'h', 2) as int32)"
    correction = ("map", "flights", "--set", f"public.flight.airborne={expression}", "--reviewer", REVIEWER)
    _approve(story, "flights", story.run(*correction, quiet=True))
    story.run("run", "flights")


def _end(story: Story) -> None:
    story.chapter("9  What there is now")
    story.run("status")
    story.run("history", "list", "flights")
    story.say("\nOpen it in Dagster, on the same state:  make dev")


def _happens(**events: Any) -> None:
    """From now on the source says otherwise."""
    (STATE / "events.json").write_text(json.dumps(events))


def develop() -> int:
    """`dagster dev` on this folder's state, with the demo's servers running beside it."""
    servers, process = start(keep_port=True)
    dagster = Path(sys.executable).with_name("dagster")
    environment = os.environ | servers.environment()
    try:
        return subprocess.run([str(dagster), "dev", *sys.argv[2:]], cwd=ROOT, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0
    finally:
        stop(process)
