"""What a student's process may try against others, each with the layers that have to be off for it.

Each is Python that runs in the student's process and raises ``OSError`` where it is refused. The
names in capitals are the targets; ``call`` is a system call by its name; all are harmless.
"""

from __future__ import annotations

from dataclasses import dataclass

from graders.engine.sandbox import Layer

PRELUDE = """
import ctypes, errno, os, signal, socket, struct, subprocess

libc = ctypes.CDLL(None, use_errno=True)

def checked(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result

def call(name, *arguments):
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    return checked(libc.syscall(ctypes.c_long(CALLS[name]), *words))

# Not by Python's own functions, which the guard watches.
def loopback(function, port):
    end = socket.socket()
    address = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, b"\\x7f\\0\\0\\1")
    checked(function(end.fileno(), address, len(address)))
"""

FILES, SYSCALLS = frozenset({Layer.FILES}), frozenset({Layer.SYSCALLS})
BOTH = FILES | SYSCALLS
# The kernel lets one process look into another only if it has as many capabilities.
LOOKING_IN = FILES | {Layer.CAPABILITIES}
SLOWING = SYSCALLS | {Layer.CAPABILITIES}


@dataclass(frozen=True)
class Attack:
    """``code`` succeeds when all of ``stopped_by`` are off, and is refused when they are on.

    The network that a process has left is not counted: it may not be to be had everywhere.
    """

    name: str
    code: str
    stopped_by: frozenset[Layer]

    def __str__(self) -> str:
        return self.name


ATTACKS = (
    # --- reading ---
    Attack("read-the-rubric", "open(PROJECT + '/graders/lesson02/rubric.yaml').read()", FILES),
    Attack("list-the-checks", "os.listdir(PROJECT + '/graders/lesson02')", FILES),
    Attack("read-the-engine", "open(PROJECT + '/graders/engine/__init__.py').read()", FILES),
    Attack("list-the-solutions", "os.listdir(PROJECT + '/reference_solutions')", FILES),
    Attack("read-another-submission", "open(OTHER + '/server.py').read()", FILES),
    Attack("list-other-submissions", "os.listdir(OTHER + '/..')", FILES),
    Attack("read-through-a-symbolic-link", "os.symlink(OTHER, 'out'); os.listdir('out')", FILES),
    Attack("read-through-a-hard-link", "os.link(OTHER + '/server.py', 'linked')", FILES),
    Attack("read-through-the-own-root", "os.listdir('/proc/self/root' + OTHER)", FILES),
    Attack("read-upwards", "os.listdir('../..')", FILES),
    Attack("list-processes", "os.listdir('/proc')", FILES),
    Attack("read-users", "open('/etc/passwd').read()", FILES),
    Attack("watch-folders", "call('inotify_init1', 0)", SYSCALLS),
    # --- writing ---
    Attack("write-outside", "open(OTHER + '/new', 'w').close()", FILES),
    Attack("change-outside", "open(OTHER + '/server.py', 'a').close()", FILES),
    Attack("remove-outside", "os.remove(OTHER + '/spare')", FILES),
    Attack("make-a-folder-outside", "os.mkdir(OTHER + '/folder')", FILES),
    Attack("move-outside-in", "os.rename(OTHER + '/moved', 'moved')", FILES),
    Attack("empty-a-file-outside", "os.truncate(OTHER + '/emptied', 0)", BOTH),
    # --- other processes ---
    Attack("read-environment-of-another", "open(f'/proc/{PID}/environ').read()", LOOKING_IN),
    Attack("open-memory-of-another", "open(f'/proc/{PID}/mem', 'rb').close()", LOOKING_IN),
    Attack("list-descriptors-of-another", "os.listdir(f'/proc/{PID}/fd')", LOOKING_IN),
    Attack("trace-another", "call('ptrace', 0x4206, PID, 0, 0)", LOOKING_IN | BOTH),
    Attack(
        "read-memory-of-another",
        """
        here, word = ctypes.create_string_buffer(6), struct.Struct("PN")
        mine, theirs = word.pack(ctypes.addressof(here), 6), word.pack(ADDRESS, 6)
        call("process_vm_readv", PID, mine, 1, theirs, 1, 0)
        assert here.raw == b"secret"
        """,
        LOOKING_IN | BOTH,
    ),
    Attack("hold-another", "call('pidfd_open', PID, 0)", SYSCALLS),
    Attack(
        "take-a-descriptor-of-another",
        "call('pidfd_getfd', call('pidfd_open', PID, 0), 0, 0)",
        LOOKING_IN | BOTH,
    ),
    Attack("signal-another", "os.kill(PID, 0)", BOTH),
    Attack("signal-a-thread-of-another", "call('tgkill', PID, PID, 0)", BOTH),
    Attack("signal-everybody", "os.kill(-PID, 0)", BOTH),
    Attack("limit-another", "call('prlimit64', PID, 4, struct.pack('QQ', 0, 0), 0)", SYSCALLS),
    Attack("slow-another", "os.setpriority(os.PRIO_PROCESS, PID, 19)", SLOWING),
    Attack("pin-another", "os.sched_setaffinity(PID, os.sched_getaffinity(PID))", SLOWING),
    # --- new processes and programs ---
    Attack("fork", "os.fork() or os._exit(0)", SYSCALLS),
    Attack("clone", "call('clone', 17, 0, 0, 0, 0) or os._exit(0)", SYSCALLS),
    Attack("run-a-program", "subprocess.run(['/bin/true'], check=True)", BOTH),
    Attack("become-another-program", "os.execv('/nowhere', ['nowhere'])", SYSCALLS),
    Attack("outlive-the-parent", "call('prctl', 1, 0, 0, 0, 0)", SYSCALLS),
    Attack("become-a-subreaper", "call('prctl', 36, 1, 0, 0, 0)", SYSCALLS),
    # --- connections ---
    Attack("connect-tcp", "loopback(libc.connect, TCP_PORT)", BOTH),
    Attack("listen-tcp", "loopback(libc.bind, 0)", BOTH),
    Attack(
        "connect-tcp-by-sending",
        """
        address = struct.pack("=H", 2) + struct.pack("!H4s8x", TCP_PORT, b"\\x7f\\0\\0\\1")
        end = socket.socket()
        call("sendto", end.fileno(), b"x", 1, 0x20000000, address, len(address))
        """,
        BOTH,
    ),
    Attack("make-a-udp-socket", "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", SYSCALLS),
    Attack("make-a-netlink-socket", "socket.socket(socket.AF_NETLINK, 3)", SYSCALLS),
    Attack("connect-path-socket", "socket.socket(socket.AF_UNIX).connect(UNIX_PATH)", SYSCALLS),
    Attack("connect-abstract-socket", "socket.socket(socket.AF_UNIX).connect(ABSTRACT)", BOTH),
    Attack(
        "turn-a-pair-of-datagram-sockets",
        "socket.socketpair(type=socket.SOCK_DGRAM)[0].connect(UNIX_DATAGRAM_PATH)",
        SYSCALLS,
    ),
    # --- what no limit counts, and the kernel ---
    Attack("make-an-unnamed-file", "os.memfd_create('hidden')", SYSCALLS),
    Attack("make-shared-memory", "call('shmctl', call('shmget', 0, 4096, 0o600), 0, 0)", SYSCALLS),
    Attack("make-a-namespace", "call('unshare', 0x10000000)", SYSCALLS),
    Attack("ask-for-a-ring", "call('io_uring_setup', 1, bytes(120))", SYSCALLS),
    Attack("ask-for-page-faults", "call('userfaultfd', 1)", SYSCALLS),
)
