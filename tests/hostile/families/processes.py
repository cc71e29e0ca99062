"""Other processes: their memory, environment, descriptors and threads; signals; the fork server.

``PID`` runs beside the student's process and holds a secret; ``GRADER`` and ``FORK_SERVER`` are
the real ones where the layers are on, and stand-ins where they are off.
"""

from __future__ import annotations

from tests.hostile.attack import Attack

_READ_MEMORY = """
here, word = ctypes.create_string_buffer(6), struct.Struct("PN")
mine, theirs = word.pack(ctypes.addressof(here), 6), word.pack(ADDRESS, 6)
call("process_vm_readv", PID, mine, 1, theirs, 1, 0)
assert here.raw == b"secret"
"""

ATTACKS = (
    Attack(
        "read-environment-of-another",
        "keys in an environment",
        "open(f'/proc/{PID}/environ').read()",
    ),
    Attack(
        "read-environment-of-all",
        "keys in any environment",
        """
        read = []
        for number in {PID, *map(int, filter(str.isdigit, os.listdir("/proc")))} - {os.getpid()}:
            try:
                read.append(open(f"/proc/{number}/environ").read())
            except OSError:
                pass
        if "SECRET=secret" not in "".join(read):
            nothing_found()
        """,
    ),
    Attack("open-memory-of-another", "its secret", "open(f'/proc/{PID}/mem', 'rb').close()"),
    Attack(
        "open-memory-of-the-grader",
        "the script of the model, and the score",
        "open(f'/proc/{GRADER}/mem', 'r+b').close()",
    ),
    Attack(
        "open-memory-of-the-fork-server",
        "code of its own in every later server",
        "open(f'/proc/{FORK_SERVER}/mem', 'r+b').close()",
    ),
    Attack("map-memory-of-another", "where its secret is", "open(f'/proc/{PID}/maps').read()"),
    Attack("list-descriptors-of-another", "its files", "os.listdir(f'/proc/{PID}/fd')"),
    Attack(
        "open-a-descriptor-of-another",
        "a file that it holds open",
        "os.close(os.open(f'/proc/{PID}/fd/1', os.O_WRONLY))",
    ),
    Attack(
        "list-descriptors-of-the-grader",
        "the other end of its wire",
        "os.listdir(f'/proc/{GRADER}/fd')",
    ),
    Attack("enter-the-root-of-another", "its files", "os.listdir(f'/proc/{PID}/root/')"),
    Attack("trace-another", "control of it", "call('ptrace', 0x4206, PID, 0, 0)"),
    Attack("trace-the-grader", "control of it", "call('ptrace', 0x4206, GRADER, 0, 0)"),
    Attack("read-memory-of-another", "its secret", _READ_MEMORY),
    Attack(
        "write-memory-of-another",
        "another secret in its place",
        _READ_MEMORY.replace("_readv", "_writev").replace("buffer(6)", "buffer(b'secret', 6)"),
    ),
    Attack("hold-another", "a lasting hold on it", "call('pidfd_open', PID, 0)"),
    Attack(
        "take-a-descriptor-of-another",
        "a file that it holds open",
        "call('pidfd_getfd', call('pidfd_open', PID, 0), 0, 0)",
    ),
    Attack("compare-with-another", "what it shares", "call('kcmp', os.getpid(), PID, 0, 0, 0)"),
    Attack("signal-another", "its end", "os.kill(PID, 0)"),
    Attack("signal-a-thread-of-another", "its end", "call('tgkill', PID, PID, 0)"),
    Attack("signal-a-group", "the end of many", "os.kill(-PID, 0)"),
    Attack("kill-the-grader", "no score at all", "os.kill(GRADER, signal.SIGTERM)"),
    Attack("stop-the-grader", "a class that waits", "os.kill(GRADER, signal.SIGSTOP)"),
    Attack("kill-the-fork-server", "no later server", "os.kill(FORK_SERVER, signal.SIGKILL)"),
    Attack("hang-the-fork-server", "no later server", "os.kill(FORK_SERVER, signal.SIGSTOP)"),
    Attack(
        "send-a-signal-by-a-file",
        "a signal by the owner of a descriptor",
        """
        import fcntl
        reader, writer = os.pipe()
        fcntl.fcntl(reader, fcntl.F_SETOWN, PID)
        fcntl.fcntl(reader, 10, signal.SIGURG)  # F_SETSIG
        fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC)
        if fcntl.fcntl(reader, fcntl.F_GETOWN) != PID:
            raise PermissionError(errno.EPERM, "the owner was not taken")
        os.write(writer, b"x")
        """,
    ),
    Attack(
        "limit-another",
        "it to fail",
        "call('prlimit64', PID, 4, struct.pack('QQ', 0, 0), 0)",
    ),
    Attack("slow-another", "it to be slow", "os.setpriority(os.PRIO_PROCESS, PID, 19)"),
    Attack("pin-another", "it to wait", "os.sched_setaffinity(PID, os.sched_getaffinity(PID))"),
)
