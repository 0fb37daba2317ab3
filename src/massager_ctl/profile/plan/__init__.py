"""Turns a `Profile` into a proved plan under the limits in force."""
