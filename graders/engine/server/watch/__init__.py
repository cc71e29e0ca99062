"""Watches one server from outside: does it work, wait or hang, how much does it use, for how long.

Must not know what the server says.
"""
