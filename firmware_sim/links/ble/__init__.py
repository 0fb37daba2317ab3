"""The simulated device on BLE: a virtual radio, HCI over TCP, or a real controller."""
