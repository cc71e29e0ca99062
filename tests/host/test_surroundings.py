"""Users, groups and names of the machine, as every server is told them."""

from __future__ import annotations

import pytest

from tests.sandbox.wired import Starter

SAID = {
    "import getpass; answer = getpass.getuser()": "student",
    "import os; answer = os.getlogin()": "student",
    "import os, pwd; answer = pwd.getpwuid(os.getuid()).pw_dir == os.environ['HOME']": True,
    "import pwd; answer = pwd.getpwnam('root').pw_uid": 0,
    "import pwd; answer = [each.pw_name for each in pwd.getpwall()]": ["student", "root"],
    "import grp, os; answer = grp.getgrgid(os.getgid()).gr_name": "student",
    "import grp; answer = grp.getgrnam('student') in grp.getgrall()": True,
    "import os; answer = os.path.expanduser('~student') == os.environ['HOME']": True,
    "import os; answer = os.path.expanduser('~nobody-here')": "~nobody-here",
    "import socket; answer = socket.gethostbyname('localhost')": "127.0.0.1",
    "import socket; answer = socket.gethostbyname(socket.gethostname())": "127.0.0.1",
    "import socket; answer = socket.gethostbyname_ex('localhost')": [
        "localhost",
        [],
        ["127.0.0.1"],
    ],
    "import socket; answer = socket.gethostbyaddr('127.0.0.1')[0]": "localhost",
    "import socket; answer = socket.getfqdn() == socket.gethostname()": True,
    "import socket; answer = [each[4] for each in socket.getaddrinfo('localhost', '80')]": [
        ["127.0.0.1", 80]
    ]
    * 3,
    "import socket; answer = socket.getaddrinfo('::1', None, type=socket.SOCK_STREAM)": [
        [10, 1, 6, "", ["::1", 0, 0, 0]]
    ],
    "import socket; answer = socket.getaddrinfo('localhost', 1, socket.AF_INET6)[0][4][0]": "::1",
}


@pytest.mark.parametrize("code", SAID)
def test_server_is_told_of_its_user_and_its_machine(students: Starter, code: str) -> None:
    student = students.serve()
    assert student.ask(code) == SAID[code]
    assert not student.refused


def test_who_is_not_there_is_a_key_error(students: Starter) -> None:
    code = """
        import grp, pwd
        answer = []
        for look_up in (
            lambda: pwd.getpwuid(4_000_000), lambda: pwd.getpwnam("bin"),
            lambda: grp.getgrgid(4_000_000), lambda: grp.getgrnam("bin"),
        ):
            try:
                look_up()
            except KeyError as error:
                answer.append(error.args[0])
    """
    assert students.serve().ask(code) == [
        "getpwuid(): uid not found: 4000000",
        "getpwnam(): name not found: 'bin'",
        "getgrgid(): gid not found: 4000000",
        "getgrnam(): name not found: 'bin'",
    ]


@pytest.mark.parametrize("look_up", ["gethostbyname('{}')", "getaddrinfo('{}', 'http')"])
@pytest.mark.parametrize("name", ["db.example", "localhost.db.example"])
def test_other_names_are_refused_as_before(students: Starter, look_up: str, name: str) -> None:
    student = students.serve()
    code = f"""
        import socket
        try:
            socket.{look_up.format(name)}
        except ConnectionRefusedError:
            answer = "refused"
    """
    assert student.ask(code) == "refused"
    assert [refused.what for refused in student.refused] == ["resolve"]
