"""What a process does to itself before student code runs in it: the layers of isolation.

Runs in the student's process, so it must not import anything of the trusted side. The level that
the layers make together (``levels``) is judged by the grader, from their names alone.
"""
