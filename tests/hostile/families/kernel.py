"""The kernel: other views of the file system, memory that no limit counts, its own entrances."""

from __future__ import annotations

from tests.hostile.attack import Attack

ATTACKS = (
    Attack(
        "make-a-namespace",
        "rights of its own",
        "call('unshare', 0x10000000)",
        needs_namespaces=True,
    ),
    Attack(
        "mount",
        "another view of the file system",
        """
        own = ctypes.c_char_p(b"home")
        os.mkdir("home")
        # In a namespace of its own, so that nothing is mounted for others.
        try:
            call("unshare", 0x20000)
        except OSError:
            call("unshare", 0x10020000)
        call("mount", ctypes.c_char_p(b"none"), own, ctypes.c_char_p(b"tmpfs"), 0, 0)
        """,
        needs_namespaces=True,
    ),
    Attack(
        "enter-a-namespace",
        "another's view of the system",
        "call('setns', os.open(f'/proc/{PID}/ns/uts', os.O_RDONLY), 0)",
        needs_root=True,
    ),
    Attack(
        "change-the-root", "another root", "os.mkdir('jail'); os.chroot('jail')", needs_root=True
    ),
    Attack("open-a-tree", "a detached mount", "call('open_tree', -100, b'/', 1)", needs_root=True),
    # By a fault of Linux 5.8 to 5.16 they could be written to there, and so could the file.
    Attack(
        "put-pages-of-a-file-in-a-pipe",
        "files that may only be read",
        """
        reading, writing = os.pipe()
        os.splice(os.open(os.__file__, os.O_RDONLY), writing, 1)
        """,
    ),
    Attack("make-an-unnamed-file", "memory that outlives", "os.memfd_create('hidden')"),
    Attack("make-a-secret-file", "memory that none can see", "call('memfd_secret', 0)"),
    Attack(
        "make-shared-memory",
        "memory that outlives its process",
        "call('shmctl', call('shmget', 0, 4096, 0o600), 0, 0)",
    ),
    Attack("make-a-message-queue", "a meeting point", "call('msgctl', call('msgget', 0, 0), 0, 0)"),
    Attack("ask-for-page-faults", "a kernel that waits for it", "call('userfaultfd', 1)"),
    Attack("keep-a-key", "a meeting point in the kernel", "call('keyctl', 0, -3, 1)"),
    Attack("change-the-personality", "another layout", "call('personality', 0xFFFFFFFF)"),
    Attack(
        "trace-events",
        "what other processes do",
        "call('perf_event_open', struct.pack('IIQ', 1, 128, 9) + bytes(112), 0, -1, -1, 0)",
        needs_root=True,
    ),
)
