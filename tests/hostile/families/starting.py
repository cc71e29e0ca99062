"""New processes and programs, and what would let them outlive their server."""

from __future__ import annotations

from tests.hostile.attack import Attack

ATTACKS = (
    Attack("fork", "a second process", "fork() or os._exit(0)"),
    Attack("clone", "a second process", "call('clone', 17, 0, 0, 0, 0) or os._exit(0)"),
    Attack(
        "clone-with-a-namespace",
        "a second process with rights of its own",
        "call('clone', 17 | 0x10000000, 0, 0, 0, 0) or os._exit(0)",
        needs_namespaces=True,
    ),
    Attack("run-a-program", "a program", "spawn(b'/bin/true')"),
    Attack(
        "run-a-shell",
        "a shell",
        "if libc.system(b'true'): raise PermissionError(errno.EPERM, 'no shell')",
    ),
    Attack(
        "run-a-program-of-its-own",
        "a program that came with the submission",
        """
        with open("tool", "w") as file:
            file.write("#!/bin/sh\\ntrue\\n")
        os.chmod("tool", 0o755)
        spawn(b"./tool")
        """,
    ),
    Attack(
        "become-another-program",
        "another program in its own process",
        """
        try:
            checked(libc.execv(b"/nowhere", (ctypes.c_char_p * 2)(b"nowhere", None)))
        except FileNotFoundError:
            pass  # the kernel would have run it
        """,
    ),
    Attack(
        "run-a-program-that-has-no-name",
        "a program from memory",
        """
        program = os.memfd_create("program", 0)
        with open("/bin/true", "rb") as file:
            os.write(program, file.read())
        spawn(f"/proc/self/fd/{program}".encode())
        """,
    ),
    Attack(
        "daemon",
        "to outlive its check",
        """
        reader, writer = os.pipe()
        if fork() == 0:
            if fork() == 0:
                os.setsid()
                os.write(writer, b"up")
                os.closerange(0, 256)
                signal.pause()
            os._exit(0)
        assert os.read(reader, 2) == b"up"
        """,
    ),
    Attack(
        "subprocess",
        "a program, by an honest library",
        "subprocess.run(['/bin/true'], check=True)",
    ),
    Attack("outlive-the-parent", "to outlive the grader", "call('prctl', 1, 0, 0, 0, 0)"),
    Attack("become-a-subreaper", "to keep its orphans", "call('prctl', 36, 1, 0, 0, 0)"),
    Attack("become-dumpable", "its memory open again", "call('prctl', 4, 1, 0, 0, 0)"),
)
