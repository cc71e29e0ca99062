"""The filter's program, run by a small machine of our own, and what an honest server may still do.

That the kernel runs it likewise is seen in ``tests/hostile``.
"""

from __future__ import annotations

import errno

import pytest

from graders.engine.isolation import syscalls
from graders.engine.isolation.seccomp import (
    ALLOW,
    DENY,
    IGNORE,
    JUMP_EQUAL,
    JUMP_GREATER,
    LOAD,
    MACHINES,
    MASK,
    RETURN,
    UNKNOWN,
    Instruction,
    Machine,
    assemble,
)

PID = 4321
X86, ARM = MACHINES["x86_64"], MACHINES["aarch64"]
PLAIN = {ALLOW: syscalls.ALLOWED, DENY: syscalls.DENIED, IGNORE: syscalls.IGNORED}
TABLES = (*PLAIN.values(), syscalls.CONDITIONAL)


def run(program: list[Instruction], number: int, arguments: tuple[int, ...], audit: int) -> int:
    """Return the program's answer to a call, as ``linux/filter.h`` says what each step does."""
    words = {0: number, 4: audit, **{16 + 8 * i: value for i, value in enumerate(arguments)}}
    loaded, at = 0, 0
    while True:
        step = program[at]
        at += 1
        if step.code == RETURN:
            return step.operand
        if step.code == LOAD:
            loaded = words.get(step.operand, 0)
        elif step.code == MASK:
            loaded &= step.operand
        else:
            tests = {JUMP_EQUAL: loaded == step.operand, JUMP_GREATER: loaded > step.operand}
            at += step.yes if tests[step.code] else step.no


def answer(machine: Machine, name: str, *arguments: int, connects: bool = False) -> int:
    """Return the filter's answer to the call ``name``; ``connects`` as in :func:`assemble`."""
    [numbers] = [table[name] for table in TABLES if name in table]
    number = numbers[machine.column]
    assert number is not None
    program = assemble(machine, PID, connects=connects)
    return run(program, number, arguments, machine.audit)


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_each_call_of_a_plain_table_gets_the_answer_of_the_table(machine: Machine) -> None:
    for wanted, table in PLAIN.items():
        for name, numbers in table.items():
            if numbers[machine.column] is not None:
                assert answer(machine, name) == wanted, name


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_calls_of_no_table_are_unknown(machine: Machine) -> None:
    named = {numbers[machine.column] for table in TABLES for numbers in table.values()}
    program = assemble(machine, PID)
    for number in range(600):
        if number not in named:
            assert run(program, number, (), machine.audit) == UNKNOWN, number


def test_no_number_stands_for_two_calls() -> None:
    for machine in MACHINES.values():
        numbers = [numbers[machine.column] for table in TABLES for numbers in table.values()]
        known = [number for number in numbers if number is not None]
        assert len(known) == len(set(known))


def test_calls_of_another_architecture_and_of_x32_are_refused() -> None:
    program = assemble(X86, PID)
    assert run(program, 1, (), ARM.audit) == DENY
    assert run(program, 0x40000001, (), X86.audit) == UNKNOWN


@pytest.mark.parametrize(
    ("name", "arguments", "allowed"),
    [
        ("clone", (0x3D0F00,), True),
        ("clone", (0x1200011,), False),
        ("kill", (PID, 15), True),
        ("kill", (PID + 1, 15), False),
        ("kill", (0xFFFFFFFF, 15), False),
        ("kill", (0, 15), False),
        ("tgkill", (PID, 9, 6), True),
        ("tgkill", (1, 1, 6), False),
        ("prlimit64", (0, 7), True),
        ("prlimit64", (PID, 7), True),
        ("prlimit64", (1, 7), False),
        ("prctl", (15,), True),
        ("prctl", (1,), False),
        ("prctl", (4, 1), False),
        ("socket", (2, 0x80001, 0), True),
        ("socket", (10, 1, 6), True),
        ("socket", (2, 2, 0), False),
        ("socket", (2, 1, 262), False),
        ("socket", (1, 1, 0), False),
        ("socket", (16, 3, 0), False),
        ("socketpair", (1, 0x80801, 0), True),
        ("socketpair", (1, 2, 0), False),
        ("sendto", (5, 0, 1, 0x4000), True),
        ("sendto", (5, 0, 1, 0x20004000), False),
        ("sendmsg", (5, 0, 0), True),
        ("sendmsg", (5, 0, 0x20000000), False),
    ],
)
@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_calls_that_depend_on_their_arguments(
    machine: Machine, name: str, arguments: tuple[int, ...], *, allowed: bool
) -> None:
    assert answer(machine, name, *arguments) == (ALLOW if allowed else DENY)


@pytest.mark.parametrize(
    ("name", "arguments", "allowed"),
    [
        ("connect", (5,), True),
        ("socket", (1, 0x80801, 0), True),
        ("socket", (1, 2, 0), False),
        ("socket", (1, 5, 0), False),
        ("socket", (2, 2, 0), False),
        ("socket", (16, 3, 0), False),
        ("bind", (5,), False),
        ("listen", (5,), False),
        ("accept4", (5,), False),
        ("sendto", (5, 0, 1, 0x20004000), False),
    ],
)
@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_who_may_connect_may_do_nothing_else_of_it(
    machine: Machine, name: str, arguments: tuple[int, ...], *, allowed: bool
) -> None:
    told = answer(machine, name, *arguments, connects=True)
    assert told == (ALLOW if allowed else DENY)
    assert answer(machine, "connect", 5) == DENY


def test_refusal_is_an_ordinary_error_number() -> None:
    assert (DENY & 0xFFFF, UNKNOWN & 0xFFFF, IGNORE & 0xFFFF) == (errno.EPERM, errno.ENOSYS, 0)


def test_jumps_stay_within_the_program() -> None:
    for machine in MACHINES.values():
        program = assemble(machine, PID)
        assert len(program) < 4096
        for at, step in enumerate(program):
            assert 0 <= step.yes <= 255
            assert 0 <= step.no <= 255
            assert at + max(step.yes, step.no) + 1 < len(program) or step.code == RETURN
