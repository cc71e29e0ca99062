"""Answers politely."""

ANSWERS = {
    "hello": "hello",
    "good morning": "good morning",
    "good night": "good night",
    "my name": "Ada",
}
