"""No network but for model calls, and no other process: each attempt is refused and reported.

An audit hook cannot be taken off again, so all of this runs in students' processes.
"""

from __future__ import annotations

import errno

import pytest

from graders.engine.isolation.layers import Layer
from tests.sandbox.wired import Starter

# The guard alone: where the kernel refuses a socket, nothing is left to guard.
ALONE = frozenset({Layer.SYSCALLS})

TRY = """
    import asyncio, socket, ssl, urllib.request

    udp = lambda: socket.socket(type=socket.SOCK_DGRAM)
    try:
        {code}
        answer = "passed"
    except OSError as error:
        error = getattr(error, "reason", error)
        answer = [type(error).__name__, str(error)]
"""
REASON = "the grader gives a submission no network; only calls to the model are answered"


@pytest.mark.parametrize(
    ("code", "what", "target"),
    [
        ("socket.create_connection(('192.0.2.1', 80))", "resolve", "192.0.2.1:80"),
        ("socket.socket().connect(('192.0.2.1', 80))", "connect", "192.0.2.1:80"),
        ("socket.socket().connect_ex(('192.0.2.1', 80))", "connect", "192.0.2.1:80"),
        ("socket.socket(socket.AF_INET6).connect(('::1', 80))", "connect", "::1:80"),
        ("socket.create_connection(('db.example', 5432))", "resolve", "db.example:5432"),
        ("socket.getaddrinfo('db.example', None)", "resolve", "db.example:None"),
        ("socket.gethostbyname('db.example')", "resolve", "db.example"),
        ("socket.gethostbyname_ex('db.example')", "resolve", "db.example"),
        ("socket.gethostbyaddr('192.0.2.1')", "resolve", "192.0.2.1"),
        ("socket.getnameinfo(('192.0.2.1', 80), 0)", "resolve", "192.0.2.1:80"),
        ("socket.socket().bind(('127.0.0.1', 0))", "listen", "127.0.0.1:0"),
        ("udp().sendto(b'x', ('192.0.2.1', 53))", "connect", "192.0.2.1:53"),
        ("udp().sendmsg([b'x'], [], 0, ('192.0.2.1', 53))", "connect", "192.0.2.1:53"),
        ("urllib.request.urlopen('http://db.example/')", "resolve", "db.example:80"),
    ],
)
def test_network_is_refused(students: Starter, code: str, what: str, target: str) -> None:
    student = students.serve(without=ALONE)
    assert student.ask(TRY.format(code=code)) == [
        "NetworkRefusedError",
        f"{what} {target}: {REASON}",
    ]
    assert [(refused.what, refused.target) for refused in student.refused] == [(what, target)]


@pytest.mark.parametrize(
    "code",
    [
        "socket.socketpair()",
        "asyncio.new_event_loop().close()",
        "a, b = socket.socketpair(type=socket.SOCK_DGRAM); a.sendmsg([b'x']); a.send(b'x')",
        "s = socket.socket(socket.AF_UNIX); s.bind('a'); s.listen(); socket.socket(1).connect('a')",
        "socket.getfqdn('192.0.2.1')",
    ],
)
def test_what_stays_on_the_machine_is_allowed(students: Starter, code: str) -> None:
    assert students.serve(without=ALONE).ask(TRY.format(code=code)) == "passed"


def test_target_is_capped(students: Starter) -> None:
    student = students.serve(without=ALONE)
    student.ask(TRY.format(code="socket.gethostbyname('x.' * 900)"))
    assert [refused.target for refused in student.refused] == ["x." * 250]


def test_server_goes_on_after_a_refusal(students: Starter) -> None:
    student = students.serve(without=ALONE)
    student.ask(TRY.format(code="socket.gethostbyname('db.example')"))
    assert student.ask("answer = 1") == 1


# --- other processes ---------------------------------------------------------------------------

START = """
    import asyncio, multiprocessing, os, pathlib, pty, subprocess

    try:
        {code}
        answer = "passed"
    except OSError as error:
        answer = [type(error).__name__, error.errno, error.strerror]
"""


@pytest.mark.parametrize(
    ("code", "target"),
    [
        ("subprocess.run(['git', 'status'])", "git status"),
        ("subprocess.run('git status', shell=True)", "/bin/sh -c 'git status'"),
        ("subprocess.Popen([b'git', pathlib.Path('a b')])", "git 'a b'"),
        ("subprocess.check_output('uptime')", "uptime"),
        ("os.popen('uptime')", "/bin/sh -c uptime"),
        ("os.execv('/bin/true', ['true', '-x'])", "true -x"),
        ("os.execvp('true', ['true'])", "true"),
        ("os.posix_spawn('/bin/true', ['true'], {})", "true"),
        ("os.spawnv(os.P_WAIT, '/bin/true', ['true'])", "fork"),
        ("os.fork()", "fork"),
        ("os.forkpty()", "fork"),
        ("pty.spawn(['sh'])", "sh"),
        ("multiprocessing.Process(target=print).start()", "fork"),
    ],
)
def test_new_process_is_refused(students: Starter, code: str, target: str) -> None:
    student = students.serve()
    assert student.ask(START.format(code=code)) == [
        "ProcessRefusedError",
        errno.EPERM,
        f"{target}: a submission must do all in one process",
    ]
    # Once for each folder of PATH, in some cases.
    assert {(refused.what, refused.target) for refused in student.refused} == {("start", target)}


def test_command_for_the_shell_fails_as_the_systems_own_refusal_does(students: Starter) -> None:
    student = students.serve()
    assert student.ask("import os; answer = os.system('clear')") == -1
    assert [(refused.what, refused.target) for refused in student.refused] == [("start", "clear")]


@pytest.mark.parametrize(
    "code",
    [
        "platform.uname()",
        "platform.platform()",
        "platform.processor()",
        "uuid.getnode()",
        "ctypes.util.find_library('c')",
        "asyncio.get_child_watcher()",
        "concurrent.futures.ThreadPoolExecutor(2).submit(print).result()",
        "threading.Thread(target=print).start()",
    ],
)
def test_libraries_that_only_look_whether_they_could_go_on(students: Starter, code: str) -> None:
    student = students.serve()
    imports = "import asyncio, concurrent.futures, ctypes.util, platform, threading, uuid"
    assert student.ask(f"{imports}\n{code}\nanswer = 'well'") == "well"


def test_what_is_not_text_is_reported_as_text(students: Starter) -> None:
    student = students.serve()
    student.ask(START.format(code="subprocess.run([b'\\xff' * 400])"))
    [refused] = student.refused
    assert len(refused.target) == 500
    assert refused.target.startswith("'\\udcff")


def test_processes_are_the_systems_to_refuse_where_a_test_leaves_its_layer_off(
    students: Starter,
) -> None:
    student = students.serve(without={Layer.FILES, Layer.SYSCALLS})
    code = """
        import os
        child = os.fork()
        if not child:
            os._exit(7)
        answer = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    """
    assert student.ask(code) == 7
    assert student.refused == []
