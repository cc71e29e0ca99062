"""The fixtures of lesson03: the recording of each scenario."""

from graders.engine.harness import recording_of
from graders.lesson03 import scenarios

plain = recording_of(scenarios.play_plain)
lock_step = recording_of(scenarios.play_lock_step)
awkward = recording_of(scenarios.play_awkward)
slow_tool = recording_of(scenarios.play_slow_tool)
left = recording_of(scenarios.play_left)
left_2_4 = recording_of(scenarios.play_left_2_4)
interrupted = recording_of(scenarios.play_interrupted)
burst = recording_of(scenarios.play_burst)
failures = recording_of(scenarios.play_failures)
