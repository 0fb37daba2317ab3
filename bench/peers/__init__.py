"""What a user would pick instead, in its own best form; installed by the bench alone."""
