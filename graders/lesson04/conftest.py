"""The fixtures of lesson04: the recording of each scenario."""

from graders.engine.harness import recording_of
from graders.lesson04 import scenarios

conversation = recording_of(scenarios.play_conversation)
long = recording_of(scenarios.play_long_conversation)
too_long = recording_of(scenarios.play_too_long)
always_too_long = recording_of(scenarios.play_always_too_long)
preferences = recording_of(scenarios.play_preferences)
hidden = recording_of(scenarios.play_hidden)
