"""What a student hands in, as a stranger's folder or archive: found, unpacked, copied, read.

Must not run or import anything of it, and must not know a lesson.
"""
