"""Processes for the tests in this folder."""

from tests.sandbox.wired import students

__all__ = ["students"]
