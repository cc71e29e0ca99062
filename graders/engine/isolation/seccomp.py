"""seccomp: assembles the table of ``syscalls`` into a program of the kernel's filter machine.

Needs no privilege, but ``no_new_privs``. Applied last, because it refuses what other layers use.
Source of the numbers: ``linux/seccomp.h``, ``linux/bpf_common.h``, ``linux/audit.h``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from itertools import groupby
from typing import NamedTuple

from graders.engine.isolation import syscalls
from graders.engine.isolation.layers import Layer
from graders.engine.isolation.privileges import prctl
from graders.engine.isolation.syscalls import ArgumentCheck

ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
DENY = _ERRNO | errno.EPERM
IGNORE = _ERRNO
UNKNOWN = _ERRNO | errno.ENOSYS

LOAD, MASK, RETURN = 0x20, 0x54, 0x06
JUMP_EQUAL, JUMP_GREATER = 0x15, 0x25
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2


class Machine(NamedTuple):
    """One architecture: its audit number, and its column in the table."""

    audit: int
    column: int


MACHINES = {
    "x86_64": Machine(0xC000003E, 0),
    "aarch64": Machine(0xC00000B7, 1),
}


class Instruction(NamedTuple):
    """One step: ``code``, jumps in instructions past the next one (``yes``, ``no``), operand."""

    code: int
    yes: int
    no: int
    operand: int


def limit_calls(*, connects: bool = False) -> tuple[str, ...]:
    """Leave this process, which must have one thread, the calls of the table only, for good.

    ``connects`` says that it may connect to Unix sockets.
    """
    machine = _this_machine()
    if machine is None:
        return ()
    program = assemble(machine, os.getpid(), connects=connects)
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    held = prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(header))
    return (Layer.SYSCALLS,) if held else ()


def _this_machine() -> Machine | None:
    if not sys.platform.startswith("linux") or struct.calcsize("P") != 8:
        return None
    return MACHINES.get(os.uname().machine)


def assemble(machine: Machine, pid: int, *, connects: bool = False) -> list[Instruction]:
    """Return the filter for process ``pid``; ``connects`` is as in :func:`limit_calls`."""
    program = [
        Instruction(LOAD, 0, 0, _ARCHITECTURE),
        Instruction(JUMP_EQUAL, 1, 0, machine.audit),
        _answer(DENY),
        Instruction(LOAD, 0, 0, _NUMBER),
    ]
    for name, ways in syscalls.allowed_when(pid, connects=connects).items():
        block = [step for checks in ways for step in _allow_if(checks)]
        program += _when(syscalls.NUMBERS[name][machine.column], [*block, _answer(DENY)])
    return [*program, *_PLAIN[machine]]


def _answer(what: int) -> Instruction:
    return Instruction(RETURN, 0, 0, what)


def _when(number: int | None, block: list[Instruction]) -> list[Instruction]:
    """Run ``block``, which ends with an answer, for call ``number``; the number stays loaded."""
    return [] if number is None else [Instruction(JUMP_EQUAL, 0, len(block), number), *block]


def _allow_if(checks: list[ArgumentCheck]) -> list[Instruction]:
    """Answer :data:`ALLOW` if all ``checks`` hold, else go on after this."""
    steps = [_answer(ALLOW)]
    for check in reversed(checks):
        on, off = 0, len(steps)
        jump = (on, off) if check.equal else (off, on)
        steps = [
            Instruction(LOAD, 0, 0, _ARGUMENTS + 8 * check.argument),
            Instruction(MASK, 0, 0, check.mask),
            Instruction(JUMP_EQUAL, *jump, check.value),
            *steps,
        ]
    return steps


def _plain(machine: Machine) -> list[Instruction]:
    """Return the answers that depend on the call alone, in runs of calls with the same answer."""
    tables = ((syscalls.ALLOWED, ALLOW), (syscalls.DENIED, DENY), (syscalls.IGNORED, IGNORE))
    answers = {
        number: answer
        for table, answer in tables
        for numbers in table.values()
        if (number := numbers[machine.column]) is not None
    }
    steps: list[Instruction] = []
    for answer, run in groupby(range(max(answers) + 1), lambda call: answers.get(call, UNKNOWN)):
        *_, last = run
        steps += [Instruction(JUMP_GREATER, 1, 0, last), _answer(answer)]
    return [*steps, _answer(UNKNOWN)]


# Made once: it takes as long as all the rest, and each server is forked from a process that has it.
_PLAIN = {machine: _plain(machine) for machine in MACHINES.values()}
