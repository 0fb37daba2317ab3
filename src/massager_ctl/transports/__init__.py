"""Byte pipes: serial, TCP, BLE, memory."""
