"""What the model hands back for one outgoing call, part by part, and the events that it reports.

Must not know scripts. The parts come in this order:
``Head Chunk* End``, ``[Head Chunk*] Drop``, or ``Refuse`` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Head:
    """Status and headers."""

    status: int
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Chunk:
    """Bytes of the body, to be passed on at once."""

    data: bytes


@dataclass(frozen=True)
class End:
    """The body is complete."""


@dataclass(frozen=True)
class Drop:
    """The connection breaks here."""


@dataclass(frozen=True)
class Refuse:
    """The call may not leave the student's process; ``reason`` is for the student."""

    reason: str


Sent = Head | Chunk | End | Drop | Refuse

EventKind = Literal["asked", "said", "failed", "cancelled", "side", "refused"]


@dataclass(frozen=True)
class ModelEvent:
    """Something that the model did, for a transcript; ``text`` is one short line."""

    kind: EventKind
    text: str
    call_id: int
