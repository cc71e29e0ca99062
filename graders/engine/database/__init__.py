"""A PostgreSQL server of the grader's own, and a database on it for each server of a student's.

The trusted side starts it and looks into it. Must not know a lesson, nor what a server ought to do.
"""
