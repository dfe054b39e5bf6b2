"""A stream takes what is pushed as it comes."""

import threading

import yaml

from octo_core.streaming import MicroBatch
from octo_resources.flow.streaming import Streaming
from tests.push.conftest import Feed, order
from tests.push.test_loads import approved


def test_a_stream_loads_what_is_pushed_once(loading: Feed) -> None:
    file = loading.root / "pipelines" / "orders" / "pipeline.yaml"
    document = yaml.safe_load(file.read_text()) | {"stream": {"trigger": "continuous", "max_rows": 40}}
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    told: list[MicroBatch] = []

    def follow() -> None:
        with loading.space() as space:
            pipeline = space.pipeline("orders")
            Streaming(space, pipeline, told=told.append, stopping=threading.Event(), once=True).run()

    with loading.served() as client:
        client.post("/push/orders", json=[order(number) for number in range(1, 31)])
        approved(loading)  # the plan's look at it landed it
        for first in (31, 61, 91):
            client.post("/push/orders", json=[order(number) for number in range(first, first + 30)])
        follow()
        follow()
        client.post("/push/orders", json=order(7, amount=0))
        follow()
    assert [made.rows for made in told] == [30, 60, 30, 1]
    assert told[-1].tables["public.orders"].updated == 1
    assert len(loading.rows()) == 120
