"""The fixtures of lesson06: the recording of each scenario."""

from graders.engine.harness import recording_of
from graders.lesson06 import borrowed, intrusions, ownership, pretence, refusals, signed_in

refused = recording_of(refusals.play_refusals)
before = recording_of(refusals.play_before)
good_token = recording_of(signed_in.play_good_token)
names = recording_of(signed_in.play_names)
expiry = recording_of(signed_in.play_expiry)
told = recording_of(signed_in.play_told)
at_once = recording_of(signed_in.play_at_once)
owner = recording_of(ownership.play_owner)
listed = recording_of(ownership.play_lists)
intrusion = recording_of(intrusions.play_intrusions)
mixed = recording_of(borrowed.play_foreign_items)
made_up = recording_of(borrowed.play_made_up)
pretended = recording_of(pretence.play_pretence)
attached = recording_of(borrowed.play_attachments)
