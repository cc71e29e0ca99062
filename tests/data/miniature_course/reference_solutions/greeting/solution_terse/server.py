"""The same in one line."""

ANSWERS = {"my name": "Ada", "good night": "good night", "good morning": "good morning", "hello": "hello"}
