"""A device, and broken ones, written from docs/protocol.md by someone who has seen no other code of this project."""
