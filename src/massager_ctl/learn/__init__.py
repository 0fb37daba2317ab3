"""From a capture of what an app and a device said to each other to a description of the device.

Nothing here opens a link or sends anything.
"""
