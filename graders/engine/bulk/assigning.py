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


@dataclass(frozen=True)
class _Match:
    """Who handed something in by its name.

    ``looseness`` is 0 where that is a student's own, letter by letter; 1 where it is written in
    another way; 2 where it only ends so.
    """

    students: tuple[Enrolment, ...]
    looseness: int


def assign(deliveries: Iterable[Delivery], roster: Roster) -> Assigned:
    """Return the newest submission of each student; groups of the roster count as one.

    Who has handed something in by a name of theirs, letter by letter, does not get what is only
    named in a like way, nor what only ends so: it is of another.
    """
    listed = list(deliveries)
    matches = [_match(delivery, roster) for delivery in listed]
    best: dict[str, int] = {}
    for match in matches:
        for student in match.students:
            best[student.id] = min(match.looseness, best.get(student.id, match.looseness))
    by_owner: dict[str, tuple[_Owner, list[Delivery]]] = {}
    for delivery, match in zip(listed, matches, strict=True):
        known = [each for each in match.students if best[each.id] == match.looseness]
        owner = _owner(delivery, known, roster)
        by_owner.setdefault(owner.key, (owner, []))[1].append(delivery)
    in_order = sorted(by_owner.values(), key=_place)
    files = _files_of([owner for owner, _ in in_order])
    entries = [_entry(*each, files[each[0].key]) for each in in_order]
    here = {member for entry in entries for member in entry.members}
    missing = tuple(each for each in roster.students if each.id not in here)
    return Assigned(tuple(entries), missing)


def _place(each: tuple[_Owner, Sequence[Delivery]]) -> tuple[str, str]:
    return (each[0].student.casefold(), each[0].student)


def _files_of(owners: Sequence[_Owner]) -> dict[str, str]:
    """Return by the keys of owners the names of their files.

    A gradebook is filled by them: so `ada` has the file of this name, and not `!ada`, who stands
    before; and of two who write it in capitals or not, the one on the roster.
    """
    taken: set[str] = set()
    first = sorted(owners, key=lambda each: file_name(each.student, set()) != each.student)
    first.sort(key=lambda each: not each.on_roster)
    return {each.key: file_name(each.student, taken) for each in first}


def _entry(owner: _Owner, deliveries: Sequence[Delivery], file: str) -> Entry:
    *older, newest = sorted(deliveries, key=lambda each: each.order)
    return Entry(
        student=owner.student,
        file=file,
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


def _match(delivery: Delivery, roster: Roster) -> _Match:
    """Return the students of the roster whose names a delivery has."""
    found = [(names, roster.named(names)) for names in delivery.people]
    named = [(names, student) for names, student in found if student is not None]
    if named:
        by_letter = all(_is_called(student, names) for names, student in named)
        students = tuple(dict.fromkeys(student for _, student in named))
        return _Match(students, 0 if by_letter else 1)
    names = [name for people in delivery.people for name in people] if delivery.ends else []
    ending = (roster.ending(name) for name in names)
    return _Match(tuple(dict.fromkeys(each for each in ending if each is not None)), 2)


def _is_called(student: Enrolment, names: Sequence[str]) -> bool:
    """Return whether one of ``names`` is a student's, but for capitals."""
    own = {each.casefold() for each in (student.id, student.group, *student.names)}
    return not own.isdisjoint(each.casefold() for each in names)
