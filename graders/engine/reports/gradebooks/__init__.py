"""Scores into the gradebooks of learning platforms: their own export, with one column filled in."""
