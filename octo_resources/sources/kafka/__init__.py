"""Kafka as a source: offset ranges become batches whose lines are records, or say why a message is none."""
