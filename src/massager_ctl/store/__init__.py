"""The dose ledger and the history (R9, R10)."""
