"""The registry's tables, as SQLAlchemy Core sees them; a test proves that the migrations make the same."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


class Instant(sa.types.TypeDecorator[datetime]):
    """An instant in UTC. SQLite keeps no zone, so it is put back on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy passes it
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy passes it
        if value is None:
            return None
        found: datetime = value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite counts up by itself only in a column that is spelt INTEGER."""


def _id() -> sa.Column[int]:
    return sa.Column("id", ID, primary_key=True, autoincrement=True)


def _text(name: str, *, null: bool = False, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null, **more)


def _at(name: str, *, null: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, Instant, nullable=null)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger)


def _flag(name: str, *, default: bool) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.true() if default else sa.false())


def _to(name: str, target: str, *, null: bool = False, cascade: bool = False, index: bool = False) -> sa.Column[int]:
    key = sa.ForeignKey(target, ondelete="CASCADE" if cascade else None)
    return sa.Column(name, ID, key, nullable=null, index=index)


def _watched() -> list[sa.Column[Any]]:
    """Freshness and timeliness, which a pipeline has of its own or takes from its type."""
    return [
        sa.Column("freshness_number", sa.Integer),
        _text("freshness_datepart", null=True),
        _flag("mute_freshness_check", default=False),
        sa.Column("timeliness_number", sa.Integer),
        _text("timeliness_datepart", null=True),
        _flag("mute_timeliness_check", default=False),
        _at("created_at"),
        _at("updated_at", null=True),
    ]


# What a pipeline stands on: typed schemas, pulled catalogs and proposed mappings, every version of each.
document = sa.Table(
    "document",
    METADATA,
    _id(),
    _text("kind"),  # schema | catalog | mapping
    _text("pipeline"),
    _text("part"),  # the source of a schema; empty for the others
    sa.Column("version", sa.Integer, nullable=False),
    _text("digest"),
    _text("inputs", null=True),
    _text("body"),
    _at("saved_at"),
    sa.UniqueConstraint("kind", "pipeline", "part", "version"),
)
correction = sa.Table(
    "correction",
    METADATA,
    _id(),
    _text("pipeline", index=True),
    _text("table_name"),
    _text("column_name"),
    _text("expr", null=True),
    _text("reviewer"),
    _text("reason", null=True),
    _at("made_at"),
)
feedback = sa.Table(
    "feedback",
    METADATA,
    _id(),
    _text("pipeline", index=True),
    _text("body"),
    _text("reviewer"),
    _at("made_at"),
)
llm_call = sa.Table(
    "llm_call",
    METADATA,
    _id(),
    _text("pipeline"),
    _text("purpose"),  # schema | mapping
    _text("part"),  # a source or a table
    _text("model"),
    _text("prompt_hash", index=True),
    _text("prompt"),
    _text("answer", null=True),
    _text("state"),  # answered | failed
    _text("error", null=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    _count("tokens_in"),
    _count("tokens_out"),
    _text("cost", null=True),  # US dollars, a decimal's digits; null where the price is not known
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("reused", sa.Integer, nullable=False, server_default=sa.text("0")),
    _at("at"),
    sa.Index("ix_llm_call_pipeline_at", "pipeline", "at"),
)
recipe = sa.Table(
    "recipe",
    METADATA,
    _text("pipeline", primary_key=True),
    _text("fingerprint", primary_key=True),
    _text("body"),
    _at("saved_at"),
)
plan = sa.Table(
    "plan",
    METADATA,
    _id(),
    _text("pipeline"),
    _text("fingerprint"),
    _text("inputs", null=True),
    _text("body"),
    _flag("holds_rows", default=True),
    _at("made_at"),
    sa.UniqueConstraint("pipeline", "fingerprint"),
)

# The gate.
decision = sa.Table(
    "decision",
    METADATA,
    sa.Column("seq", ID, primary_key=True, autoincrement=False),
    _text("pipeline"),
    _text("fingerprint"),
    _text("decision"),
    _text("reviewer"),
    _text("reason", null=True),
    _text("via"),
    _at("at"),
    _text("recipe_hash"),
    _text("origin", null=True),
    _text("prev_hash", unique=True),
    _text("seal"),
    _text("hash"),
)
decision_head = sa.Table(
    "decision_head",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    _text("hash"),
    _text("seal"),
)

# What runs and ran: the watcher's model, with Octopipe's own columns beside it.
pipeline_type = sa.Table("pipeline_type", METADATA, _id(), _text("name", unique=True), *_watched())
pipeline = sa.Table(
    "pipeline",
    METADATA,
    _id(),
    _text("name", unique=True),
    _to("pipeline_type_id", "pipeline_type.id", index=True),
    _flag("active", default=True),
    _flag("load_lineage", default=True),
    _text("watermark", null=True),
    _text("next_watermark", null=True),
    _text("pipeline_metadata", null=True),
    *_watched(),
)
pipeline_execution = sa.Table(
    "pipeline_execution",
    METADATA,
    _id(),
    _to("pipeline_id", "pipeline.id"),
    _to("parent_id", "pipeline_execution.id", null=True, index=True),
    _text("load_id", null=True, unique=True),
    _at("start_date"),
    _at("end_date", null=True),
    sa.Column("duration_seconds", sa.Float),
    sa.Column("completed_successfully", sa.Boolean()),
    _flag("full_load", default=False),
    _text("watermark", null=True),
    _text("next_watermark", null=True),
    _count("total_rows"),
    _count("inserts"),
    _count("updates"),
    _count("soft_deletes"),
    sa.Column("throughput", sa.Float),
    _text("status"),
    _text("fingerprint", null=True),
    _text("batches"),
    _text("result", null=True),
    _text("error", null=True),
    _text("dagster_run_id", null=True),
    _text("process", null=True),
    _text("execution_metadata", null=True),
    sa.Index("ix_pipeline_execution_pipeline_id_start_date", "pipeline_id", "start_date"),
)
pipeline_execution_closure = sa.Table(
    "pipeline_execution_closure",
    METADATA,
    sa.Column("parent_execution_id", ID, sa.ForeignKey("pipeline_execution.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "child_execution_id",
        ID,
        sa.ForeignKey("pipeline_execution.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
    sa.Column("depth", sa.Integer, nullable=False),  # 0: the execution itself
)
step = sa.Table(
    "step",
    METADATA,
    _text("pipeline", primary_key=True),
    _text("step", primary_key=True),  # raw | schema | mapping | approval | load
    _text("part", primary_key=True),  # a source or a table; empty for the whole
    _text("state"),
    _at("started", null=True),
    _at("ended", null=True),
    _text("message", null=True),
    _text("log_path", null=True),
)
control = sa.Table(
    "control",
    METADATA,
    _text("pipeline", primary_key=True),
    _text("state"),  # started | stopped | paused
    _at("until", null=True),
    _text("changed_by", null=True),
    _at("changed_at", null=True),
    _text("abort_load", null=True),  # a load's id, or * for whatever runs
    _at("abort_at", null=True),
    _text("paused_from", null=True),  # the state that a pause goes back to
    _at("ticked_at", null=True),  # when `run --due` last ran it
)
log = sa.Table(
    "log",
    METADATA,
    _id(),
    _text("pipeline"),
    _text("load_id", null=True, index=True),
    _text("step", null=True),
    _text("path"),
    _at("started"),
    sa.Index("ix_log_pipeline_started", "pipeline", "started"),
)

# Who may use the HTTP API.
token = sa.Table(
    "token",
    METADATA,
    _text("id", primary_key=True),
    _text("name", index=True),
    _text("hash", unique=True),  # SHA-256; what is hashed is 256 random bits
    _text("scope"),
    _text("pipelines", null=True),  # a JSON list; null: all
    _text("made_by", null=True),
    _at("made_at"),
    _at("expires_at", null=True),
    _at("revoked_at", null=True),
)

# Lineage, monitors and their findings.
address_type = sa.Table(
    "address_type", METADATA, _id(), _text("name", unique=True), _text("group_name"), _at("created_at")
)
address = sa.Table(
    "address",
    METADATA,
    _id(),
    _text("name", unique=True),
    _to("address_type_id", "address_type.id", index=True),
    _text("database_name", null=True),
    _text("schema_name", null=True),
    _text("table_name", null=True),
    _text("primary_key", null=True),
    _text("address_metadata", null=True),
    _at("created_at"),
    _at("updated_at", null=True),
)
address_lineage = sa.Table(
    "address_lineage",
    METADATA,
    _id(),
    _to("pipeline_id", "pipeline.id", cascade=True),
    _to("source_address_id", "address.id", index=True),
    _to("target_address_id", "address.id", index=True),
    sa.UniqueConstraint("pipeline_id", "source_address_id", "target_address_id"),
)
address_lineage_closure = sa.Table(
    "address_lineage_closure",
    METADATA,
    sa.Column("source_address_id", ID, sa.ForeignKey("address.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("target_address_id", ID, sa.ForeignKey("address.id", ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("depth", sa.Integer, nullable=False),
)
anomaly_detection_rule = sa.Table(
    "anomaly_detection_rule",
    METADATA,
    _id(),
    _to("pipeline_id", "pipeline.id", cascade=True),
    _text("metric_field"),
    sa.Column("z_threshold", sa.Float, nullable=False, server_default=sa.text("3.0")),
    sa.Column("lookback_days", sa.Integer, nullable=False, server_default=sa.text("30")),
    sa.Column("minimum_executions", sa.Integer, nullable=False, server_default=sa.text("30")),
    _flag("active", default=True),
    sa.UniqueConstraint("pipeline_id", "metric_field"),
)
anomaly_detection_result = sa.Table(
    "anomaly_detection_result",
    METADATA,
    _id(),
    _to("rule_id", "anomaly_detection_rule.id", cascade=True),
    _to("pipeline_execution_id", "pipeline_execution.id", cascade=True, index=True),
    sa.Column("value", sa.Float),
    sa.Column("z_score", sa.Float),
    _flag("flagged", default=True),
    _at("found_at"),
    sa.UniqueConstraint("rule_id", "pipeline_execution_id"),
)
monitor_failure = sa.Table(
    "monitor_failure",
    METADATA,
    _id(),
    _text("monitor"),  # freshness | timeliness
    _to("pipeline_id", "pipeline.id", cascade=True, index=True),
    _to("pipeline_execution_id", "pipeline_execution.id", null=True, cascade=True),
    _at("found_at"),
    _at("over_at", null=True),
    _text("detail", null=True),
)
