"""The domain, pure: specs, types, schemas, inference, expressions, mapping, plan, drift, ledger and errors. No I/O here."""
