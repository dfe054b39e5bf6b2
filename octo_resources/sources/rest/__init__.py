"""HTTP APIs as a source: pages fetched once each, in order, their records kept exactly as they came."""
