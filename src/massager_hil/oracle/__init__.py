"""The oracle: looks at every frame of every check, both ways, and holds it to docs/protocol.md."""
