"""The dose ledger, the history and the health record (R9, R10, R21, R22)."""
