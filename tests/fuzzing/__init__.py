"""Fuzzing of what reads a stranger's bytes: by hypothesis among the tests, by atheris for hours."""
