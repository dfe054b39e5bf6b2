"""Files in S3, landed in S3, loaded by another machine; rows set aside are there too."""

import json

from octo_resources.flow import Workspace, load
from octo_resources.project import Project
from tests.flow.shop import Shop, sales
from tests.servers.s3 import S3Server


def lines(numbers: range) -> str:
    return "".join(json.dumps(record) + "\n" for record in sales(numbers))


def test_files_of_a_bucket_go_through_a_landing_zone_in_it(shop: Shop, s3: S3Server) -> None:
    bucket = s3.bucket()
    (shop.root / "octopipe.yaml").write_text(f"registry: sqlite\nlanding: {{path: 's3://{bucket}/landing'}}\n")
    shop.sales_pipeline(sources={"sales": {"kind": "file", "path": f"s3://{bucket}/in/*.jsonl", "key": ["id"]}})
    s3.put(bucket, "in/a.jsonl", lines(range(1, 201)))
    result = shop.start()
    assert result.tables["shop.sale"].inserted == 200
    assert shop.run().status == "nothing_new"
    assert not (shop.root / ".octopipe" / "landing").exists()

    s3.put(bucket, "in/b.jsonl", lines(range(150, 251)))
    shop.land()
    elsewhere = shop.root / ".octopipe" / "mirror"
    elsewhere.rename(shop.root / "gone")  # another machine with the same project and registry has no mirror yet
    space = Workspace(Project.at(shop.root), shop.registry)
    counts = load(space, space.pipeline("sales")).result.tables["shop.sale"]
    assert (counts.read, counts.inserted, counts.unchanged) == (101, 50, 51)
    assert any(name.startswith("landing/sales/sales/") for name in s3.names(bucket))

    (spoilt,) = sales(range(304, 305))
    s3.put(bucket, "in/c.jsonl", lines(range(300, 304)) + json.dumps({**spoilt, "total": "a lot"}) + "\n")
    result = shop.run()
    assert result.tables["shop.sale"].quarantined == 1
    assert f"landing/.quarantine/sales/{result.load_id}.jsonl.zst" in s3.names(bucket)
    assert not (shop.root / ".octopipe" / "quarantine").exists()
    anywhere = Workspace(Project.at(shop.root), shop.registry)
    assert anywhere.quarantine.loads("sales") == [result.load_id]
    (row,) = anywhere.quarantine.read("sales", result.load_id)
    assert '"a lot"' in row.payload
    assert anywhere.landing.sources() == [("sales", "sales")]
