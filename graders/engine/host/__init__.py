"""The untrusted side: runs inside the student's process.

Loads the student's app, serves it over the wire, relays its model calls to the grader and obeys the
virtual clock. Must not know a script, a rubric or an expectation: whatever is in this process the
student's code can read and change.
"""
