"""Every way round the gate that anybody thought of. Each of these fails if the gate is weakened."""
