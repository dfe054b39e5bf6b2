"""The domain, pure: specs, types, schemas, inference, expressions, mapping, plan, drift, ledger, errors. No I/O."""
