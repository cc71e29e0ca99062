"""Who is who: each submission to a student or a group, and of several by one the newest.

Pure. Must not know where the submissions are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graders.engine.bulk.deliveries import Delivery, Entry
from graders.engine.bulk.names import file_name
from graders.engine.bulk.roster import Enrolment, Roster


@dataclass(frozen=True)
class Assigned:
    """What is graded, in the order of the students; and who of the roster handed nothing in."""

    entries: tuple[Entry, ...]
    missing: tuple[Enrolment, ...] = ()


@dataclass(frozen=True)
class _Owner:
    """Whose one submission is: ``key`` is the same for all submissions of one student or group."""

    key: str
    student: str
    name: str
    members: tuple[str, ...]
    group: str
    on_roster: bool


def assign(deliveries: Iterable[Delivery], roster: Roster) -> Assigned:
    """Return the newest submission of each student; groups of the roster count as one.

    Who has handed something in by name does not get what only ends in that name: it is of another.
    """
    listed = list(deliveries)
    found = [_named(delivery, roster) for delivery in listed]
    by_name = {student.id for students in found for student in students}
    by_owner: dict[str, tuple[_Owner, list[Delivery]]] = {}
    for delivery, named in zip(listed, found, strict=True):
        ending = [] if named else _ending(delivery, roster)
        known = named or [each for each in ending if each.id not in by_name]
        owner = _owner(delivery, known, roster)
        by_owner.setdefault(owner.key, (owner, []))[1].append(delivery)
    taken: set[str] = set()
    entries = [_entry(*each, taken) for each in sorted(by_owner.values(), key=_place)]
    here = {member for entry in entries for member in entry.members}
    missing = tuple(each for each in roster.students if each.id not in here)
    return Assigned(tuple(entries), missing)


def _place(each: tuple[_Owner, Sequence[Delivery]]) -> tuple[str, str]:
    return (each[0].student.casefold(), each[0].student)


def _entry(owner: _Owner, deliveries: Sequence[Delivery], taken: set[str]) -> Entry:
    *older, newest = sorted(deliveries, key=lambda each: each.order)
    return Entry(
        student=owner.student,
        file=file_name(owner.student, taken),
        delivery=newest,
        members=owner.members,
        name=owner.name,
        group=owner.group,
        older=tuple(each.called for each in older),
        on_roster=owner.on_roster,
    )


def _owner(delivery: Delivery, known: Sequence[Enrolment], roster: Roster) -> _Owner:
    if known:
        everybody = [member for student in known for member in roster.group(student)]
        members = tuple(dict.fromkeys(each.id for each in everybody))
        first = min(everybody, key=roster.students.index)
        group = next((each.group for each in everybody if each.group), "")
        return _Owner(
            f"roster:{','.join(sorted(members))}",
            group or first.id,
            group or first.name,
            members,
            group,
            on_roster=True,
        )
    names = [each[0] for each in delivery.people] or [delivery.called]
    shown = delivery.people[0][-1] if delivery.people else ""
    return _Owner(
        f"name:{','.join(sorted(names)).casefold()}",
        names[0],
        shown if shown != names[0] else "",
        tuple(names),
        "",
        on_roster=not roster,
    )


def _named(delivery: Delivery, roster: Roster) -> list[Enrolment]:
    """Return the students of the roster by whose names something was handed in."""
    found = (roster.named(names) for names in delivery.people)
    return list(dict.fromkeys(each for each in found if each is not None))


def _ending(delivery: Delivery, roster: Roster) -> list[Enrolment]:
    """Return the student whose name is the end of what a delivery is named by."""
    names = [name for people in delivery.people for name in people] if delivery.ends else []
    found = (roster.ending(name) for name in names)
    return list(dict.fromkeys(each for each in found if each is not None))
