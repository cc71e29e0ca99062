"""The engine and the hidden graders of each lesson."""
