"""Devices that a file describes: text → proved description → frames. Nothing here sends anything."""
