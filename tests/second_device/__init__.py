"""A device, and broken ones, written from docs/protocol.md by somebody who has seen no other code of this project."""
