"""Draws a plan as a picture."""
