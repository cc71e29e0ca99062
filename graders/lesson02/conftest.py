"""The fixtures of lesson02: the recording of each scenario."""

from graders.engine.harness import recording_of
from graders.lesson02 import scenarios

first = recording_of(scenarios.play_first_message)
odd = recording_of(scenarios.play_odd_words)
malformed = recording_of(scenarios.play_malformed)
three = recording_of(scenarios.play_three_turns)
two = recording_of(scenarios.play_two_threads)
failed = recording_of(scenarios.play_failure)
