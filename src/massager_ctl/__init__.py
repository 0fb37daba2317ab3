"""massager-ctl: profile sessions for massagers, with the safety rules enforced."""

__all__: list[str] = []
