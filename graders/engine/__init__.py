"""The engine: everything that grades a lesson and is not itself a lesson.

Which package may import which is the table in ``graders/ARCHITECTURE.md``; a test enforces it.
"""
