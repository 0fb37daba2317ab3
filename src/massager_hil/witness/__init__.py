"""Outputs as a program outside the device measures them, and what they say about R1 to R4 and about TELEMETRY."""
