"""Transports for bytes: serial, TCP, BLE, in-process."""
