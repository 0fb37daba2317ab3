"""Manual control: what the keys mean, the full screen, and the line-based form."""
