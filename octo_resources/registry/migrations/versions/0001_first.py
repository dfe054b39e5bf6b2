"""The registry's first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "address_type",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_type")),
        sa.UniqueConstraint("name", name=op.f("uq_address_type_name")),
    )
    op.create_table(
        "control",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("until", AT, nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=True),
        sa.Column("changed_at", AT, nullable=True),
        sa.Column("abort_load", sa.Text(), nullable=True),
        sa.Column("abort_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("pipeline", name=op.f("pk_control")),
    )
    op.create_table(
        "correction",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("expr", sa.Text(), nullable=True),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("made_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
    )
    op.create_index(op.f("ix_correction_pipeline"), "correction", ["pipeline"])
    op.create_table(
        "decision",
        sa.Column("seq", ID, autoincrement=False, nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("recipe_hash", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_decision")),
        sa.UniqueConstraint("prev_hash", name=op.f("uq_decision_prev_hash")),
    )
    op.create_table(
        "decision_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_head")),
    )
    op.create_table(
        "document",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("saved_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("kind", "pipeline", "part", "version", name=op.f("uq_document_kind_pipeline_part_version")),
    )
    op.create_table(
        "log",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("load_id", sa.Text(), nullable=True),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("started", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log")),
    )
    op.create_index(op.f("ix_log_load_id"), "log", ["load_id"])
    op.create_index("ix_log_pipeline_started", "log", ["pipeline", "started"])
    op.create_table(
        "pipeline_type",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("freshness_number", sa.Integer(), nullable=True),
        sa.Column("freshness_datepart", sa.Text(), nullable=True),
        sa.Column("mute_freshness_check", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("timeliness_number", sa.Integer(), nullable=True),
        sa.Column("timeliness_datepart", sa.Text(), nullable=True),
        sa.Column("mute_timeliness_check", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("updated_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipeline_type")),
        sa.UniqueConstraint("name", name=op.f("uq_pipeline_type_name")),
    )
    op.create_table(
        "plan",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("holds_rows", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("made_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
        sa.UniqueConstraint("pipeline", "fingerprint", name=op.f("uq_plan_pipeline_fingerprint")),
    )
    op.create_table(
        "recipe",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("saved_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "fingerprint", name=op.f("pk_recipe")),
    )
    op.create_table(
        "step",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started", AT, nullable=True),
        sa.Column("ended", AT, nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("log_path", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("pipeline", "step", "part", name=op.f("pk_step")),
    )
    op.create_table(
        "address",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address_type_id", ID, nullable=False),
        sa.Column("database_name", sa.Text(), nullable=True),
        sa.Column("schema_name", sa.Text(), nullable=True),
        sa.Column("table_name", sa.Text(), nullable=True),
        sa.Column("primary_key", sa.Text(), nullable=True),
        sa.Column("address_metadata", sa.Text(), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("updated_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["address_type_id"], ["address_type.id"], name=op.f("fk_address_address_type_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sa.UniqueConstraint("name", name=op.f("uq_address_name")),
    )
    op.create_index(op.f("ix_address_address_type_id"), "address", ["address_type_id"])
    op.create_table(
        "pipeline",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pipeline_type_id", ID, nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("load_lineage", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("watermark", sa.Text(), nullable=True),
        sa.Column("next_watermark", sa.Text(), nullable=True),
        sa.Column("pipeline_metadata", sa.Text(), nullable=True),
        sa.Column("freshness_number", sa.Integer(), nullable=True),
        sa.Column("freshness_datepart", sa.Text(), nullable=True),
        sa.Column("mute_freshness_check", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("timeliness_number", sa.Integer(), nullable=True),
        sa.Column("timeliness_datepart", sa.Text(), nullable=True),
        sa.Column("mute_timeliness_check", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("updated_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["pipeline_type_id"], ["pipeline_type.id"], name=op.f("fk_pipeline_pipeline_type_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipeline")),
        sa.UniqueConstraint("name", name=op.f("uq_pipeline_name")),
    )
    op.create_index(op.f("ix_pipeline_pipeline_type_id"), "pipeline", ["pipeline_type_id"])
    op.create_table(
        "address_lineage",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("pipeline_id", ID, nullable=False),
        sa.Column("source_address_id", ID, nullable=False),
        sa.Column("target_address_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["pipeline_id"], ["pipeline.id"], name=op.f("fk_address_lineage_pipeline_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["source_address_id"], ["address.id"], name=op.f("fk_address_lineage_source_address_id")
        ),
        sa.ForeignKeyConstraint(
            ["target_address_id"], ["address.id"], name=op.f("fk_address_lineage_target_address_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_lineage")),
        sa.UniqueConstraint(
            "pipeline_id",
            "source_address_id",
            "target_address_id",
            name=op.f("uq_address_lineage_pipeline_id_source_address_id_target_address_id"),
        ),
    )
    op.create_index(op.f("ix_address_lineage_source_address_id"), "address_lineage", ["source_address_id"])
    op.create_index(op.f("ix_address_lineage_target_address_id"), "address_lineage", ["target_address_id"])
    op.create_table(
        "address_lineage_closure",
        sa.Column("source_address_id", ID, nullable=False),
        sa.Column("target_address_id", ID, nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_address_id"],
            ["address.id"],
            name=op.f("fk_address_lineage_closure_source_address_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["target_address_id"],
            ["address.id"],
            name=op.f("fk_address_lineage_closure_target_address_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source_address_id", "target_address_id", name=op.f("pk_address_lineage_closure")),
    )
    op.create_index(
        op.f("ix_address_lineage_closure_target_address_id"), "address_lineage_closure", ["target_address_id"]
    )
    op.create_table(
        "anomaly_detection_rule",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("pipeline_id", ID, nullable=False),
        sa.Column("metric_field", sa.Text(), nullable=False),
        sa.Column("z_threshold", sa.Float(), server_default=sa.text("3.0"), nullable=False),
        sa.Column("lookback_days", sa.Integer(), server_default=sa.text("30"), nullable=False),
        sa.Column("minimum_executions", sa.Integer(), server_default=sa.text("30"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pipeline_id"], ["pipeline.id"], name=op.f("fk_anomaly_detection_rule_pipeline_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_anomaly_detection_rule")),
        sa.UniqueConstraint(
            "pipeline_id", "metric_field", name=op.f("uq_anomaly_detection_rule_pipeline_id_metric_field")
        ),
    )
    op.create_table(
        "pipeline_execution",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("pipeline_id", ID, nullable=False),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("load_id", sa.Text(), nullable=True),
        sa.Column("start_date", AT, nullable=False),
        sa.Column("end_date", AT, nullable=True),
        sa.Column("duration_seconds", sa.Float(), nullable=True),
        sa.Column("completed_successfully", sa.Boolean(), nullable=True),
        sa.Column("full_load", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("watermark", sa.Text(), nullable=True),
        sa.Column("next_watermark", sa.Text(), nullable=True),
        sa.Column("total_rows", sa.BigInteger(), nullable=True),
        sa.Column("inserts", sa.BigInteger(), nullable=True),
        sa.Column("updates", sa.BigInteger(), nullable=True),
        sa.Column("soft_deletes", sa.BigInteger(), nullable=True),
        sa.Column("throughput", sa.Float(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("batches", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("dagster_run_id", sa.Text(), nullable=True),
        sa.Column("process", sa.Text(), nullable=True),
        sa.Column("execution_metadata", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["pipeline_execution.id"], name=op.f("fk_pipeline_execution_parent_id")),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipeline.id"], name=op.f("fk_pipeline_execution_pipeline_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipeline_execution")),
        sa.UniqueConstraint("load_id", name=op.f("uq_pipeline_execution_load_id")),
    )
    op.create_index(op.f("ix_pipeline_execution_parent_id"), "pipeline_execution", ["parent_id"])
    op.create_index("ix_pipeline_execution_pipeline_id_start_date", "pipeline_execution", ["pipeline_id", "start_date"])
    op.create_table(
        "anomaly_detection_result",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("rule_id", ID, nullable=False),
        sa.Column("pipeline_execution_id", ID, nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("z_score", sa.Float(), nullable=True),
        sa.Column("flagged", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("found_at", AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["pipeline_execution_id"],
            ["pipeline_execution.id"],
            name=op.f("fk_anomaly_detection_result_pipeline_execution_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["rule_id"],
            ["anomaly_detection_rule.id"],
            name=op.f("fk_anomaly_detection_result_rule_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_anomaly_detection_result")),
        sa.UniqueConstraint(
            "rule_id", "pipeline_execution_id", name=op.f("uq_anomaly_detection_result_rule_id_pipeline_execution_id")
        ),
    )
    op.create_index(
        op.f("ix_anomaly_detection_result_pipeline_execution_id"), "anomaly_detection_result", ["pipeline_execution_id"]
    )
    op.create_table(
        "monitor_failure",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("monitor", sa.Text(), nullable=False),
        sa.Column("pipeline_id", ID, nullable=False),
        sa.Column("pipeline_execution_id", ID, nullable=True),
        sa.Column("found_at", AT, nullable=False),
        sa.Column("over_at", AT, nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["pipeline_execution_id"],
            ["pipeline_execution.id"],
            name=op.f("fk_monitor_failure_pipeline_execution_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["pipeline_id"], ["pipeline.id"], name=op.f("fk_monitor_failure_pipeline_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitor_failure")),
    )
    op.create_index(op.f("ix_monitor_failure_pipeline_id"), "monitor_failure", ["pipeline_id"])
    op.create_table(
        "pipeline_execution_closure",
        sa.Column("parent_execution_id", ID, nullable=False),
        sa.Column("child_execution_id", ID, nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["child_execution_id"],
            ["pipeline_execution.id"],
            name=op.f("fk_pipeline_execution_closure_child_execution_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["parent_execution_id"],
            ["pipeline_execution.id"],
            name=op.f("fk_pipeline_execution_closure_parent_execution_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "parent_execution_id", "child_execution_id", name=op.f("pk_pipeline_execution_closure")
        ),
    )
    op.create_index(
        op.f("ix_pipeline_execution_closure_child_execution_id"), "pipeline_execution_closure", ["child_execution_id"]
    )
    head = sa.table("decision_head", sa.column("id"), sa.column("seq"), sa.column("hash"), sa.column("seal"))
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64, "seal": ""}])
