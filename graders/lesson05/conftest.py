"""The fixtures of lesson05: a talk with a server of its own, and the recorded scenarios."""

import pytest

from graders.engine.content.canaries import Canaries
from graders.engine.harness import ScriptedModel, Student, Talk, recording_of
from graders.lesson05 import damaging, deletion, expiry, mishaps, paging, survival


@pytest.fixture
def talk(student: Student, model: ScriptedModel, canary: Canaries) -> Talk:
    """Give a user's talk with a pristine server of this check's own."""
    return Talk(student, model, canary)


failure = recording_of(survival.play_power_failure)
hundred = recording_of(survival.play_hundred_threads)
pauses = recording_of(expiry.play_pauses)
expired = recording_of(expiry.play_expiry)
other_ttls = recording_of(expiry.play_other_ttls)
pages = recording_of(paging.play_pages)
same_time = recording_of(paging.play_same_time)
deleted = recording_of(deletion.play_deletion)
tabs = recording_of(mishaps.play_two_tabs)
damaged = recording_of(damaging.play_damage)
locked = recording_of(mishaps.play_locked)
read_only = recording_of(mishaps.play_read_only)
moved = recording_of(mishaps.play_moved)
