"""Real servers for the tests in this folder."""

from tests.students import bench

__all__ = ["bench"]
