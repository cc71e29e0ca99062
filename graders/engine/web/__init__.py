"""A student's web code: bundled, served and run in a real browser, all of it shut in.

Must not know a lesson, and judges nothing.
"""
