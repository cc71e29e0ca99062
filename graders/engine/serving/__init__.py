"""A student's server as the student runs it: real uvicorn, a reload, a model that repeats.

Nothing is isolated or judged here. Must not know a rubric; nothing of it is loaded where a
submission is graded.
"""
