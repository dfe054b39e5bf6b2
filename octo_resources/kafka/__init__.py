"""Kafka by confluent-kafka: clients, topics and their ends, and a reader of exact offset ranges."""
