"""Conformance of any device, simulated or real, judged from the outside: by its bytes and its telemetry alone."""
