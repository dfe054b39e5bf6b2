"""Parquet in S3 by Spark's own reader, through Hadoop's s3a: the row groups of an object by several tasks.

It has to be asked for: tasks then read what they need of an object, so that its checksum cannot be compared; its size
and the rows of its footer are.
"""

from collections.abc import Callable
from typing import Final

from octo_resources.engines.elsewhere import Stored

_SDK: Final = "2.35.4"
PACKAGES: Final = (
    "org.apache.hadoop:hadoop-aws:3.5.0",
    f"software.amazon.awssdk:s3:{_SDK}",
    f"software.amazon.awssdk:s3-transfer-manager:{_SDK}",
    f"software.amazon.awssdk:sts:{_SDK}",
    "software.amazon.s3.analyticsaccelerator:analyticsaccelerator-s3:1.3.1",
)
"""What s3a of PySpark's own Hadoop needs: 51 jars of 18 MB."""
ASK: Final = "SELECT java_method('org.apache.hadoop.fs.s3a.S3AUtils', 'maybeAddTrailingSlash', 's3a')"
"""Fails where Spark has no s3a."""
EXCLUDED: Final = (
    "software.amazon.awssdk:bundle",  # all of Amazon's services: 600 MB
    "software.amazon.awssdk.crt:aws-crt",
    "org.wildfly.openssl:wildfly-openssl",
)
_JARS: Final = {"spark.jars.packages": PACKAGES, "spark.jars.excludes": EXCLUDED}
_USUAL: Final = {
    # The usual chain, as everywhere: s3a's own knows no profiles and no web identities.
    "fs.s3a.aws.credentials.provider": "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
    # s3a would try an endpoint that nobody listens at for some five minutes.
    "fs.s3a.attempts.maximum": "3",
    "fs.s3a.retry.limit": "3",
}


def with_jars(conf: dict[str, str]) -> dict[str, str]:
    """Settings of a session that brings the jars of s3a beside its own."""
    return conf | {name: ",".join(filter(None, (conf.get(name, ""), *ours))) for name, ours in _JARS.items()}


def address(stored: Stored) -> str:
    """What Spark calls the object."""
    return f"s3a{stored.location.removeprefix('s3')}"


def options(stored: Stored, own: Callable[[str], str | None]) -> dict[str, str]:
    """What a reader is told of the object's server. `own`: the session's setting of a name, which stands above it."""
    told = _USUAL | {"fs.s3a.endpoint.region": stored.region}
    if stored.endpoint is not None:
        told |= {"fs.s3a.endpoint": stored.endpoint, "fs.s3a.path.style.access": "true"}
    return {name: value for name, value in told.items() if own(f"spark.hadoop.{name}") is None}
