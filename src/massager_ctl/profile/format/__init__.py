"""Reads a text into a `Profile`, or raises one error with every problem."""
