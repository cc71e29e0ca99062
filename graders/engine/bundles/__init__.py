"""What a class gets: a copy for students, and graders for the places where a score must arrive.

Must not show students what is hidden from them, nor run anything.
"""
