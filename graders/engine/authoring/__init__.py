"""Grades the graders: stub, solutions and mutants of a lesson against every criterion.

Must not know one lesson from another.
"""
