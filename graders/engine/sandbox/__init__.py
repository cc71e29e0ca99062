"""Starts the student's process: fork server or fresh process, limits, environment, end.

Must not import or run student code in the grader, and must not know what is said over the wire.
Nothing is exported here: what is imported with this package is in the student's process as well.
"""
