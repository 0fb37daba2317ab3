"""The second process beside a device without a dead-man: it alone writes to the device, and it can stop it (R25).

Nothing here imports anything but the standard library, so that little can go wrong in it and it starts fast.
"""
