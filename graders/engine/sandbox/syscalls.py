"""Which system calls a student's process is refused, and how: the table behind ``seccomp``.

A list of what is denied, because what CPython, SQLite and a C library need differs from version to
version, and a call missing from a list of what is allowed would break an honest server. Calls newer
than the table are unknown to the process. Numbers: ``asm/unistd_64.h``, ``asm-generic/unistd.h``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """Compares the lowest 32 bits of argument ``argument``, masked, to ``value``."""

    argument: int
    value: int
    mask: int = 0xFFFFFFFF
    equal: bool = True


NEWEST = 469
"""The last call of Linux 6.18, when this was written; later ones, and the x32 ABI, are unknown."""

# name: (x86-64, arm64); None where the architecture has no such call.
Numbers = tuple[int | None, int | None]

DENIED: dict[str, Numbers] = {
    # Ways out to others: connections, listening, and rings that do any of it unseen.
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # Other processes: their memory, descriptors, scheduling, signals.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # New processes and programs, and leaving the group that is ended with the student.
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "setpgid": (109, 154),
    "setsid": (112, 157),
    # Another view of the file system.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    # What Landlock does not look at: files by their path, and watching folders.
    "truncate": (76, 45),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    # Memory and queues that no limit counts, or that outlive the process.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    # The kernel itself.
    "userfaultfd": (323, 282),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "personality": (135, 92),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
}

# Done by `shutil.copy`, so an honest server must not fail by it; and by path or by a descriptor
# that reads, so a hostile one could shut the grader out of its own files. They do nothing.
IGNORED: dict[str, Numbers] = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    # Waiting for the disk takes most of the time of a server that stores well, and is of no use
    # here: what was written is there after SIGKILL, and no power fails.
    "fsync": (74, 82),
    "fdatasync": (75, 83),
}

# The C library knows the older call that does the same, with arguments that can be checked.
UNKNOWN: dict[str, Numbers] = {"clone3": (435, 435)}

CONDITIONAL: dict[str, Numbers] = {
    "clone": (56, 220),
    "kill": (62, 129),
    "tgkill": (234, 131),
    "prlimit64": (302, 261),
    "prctl": (157, 167),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    "fcntl": (72, 25),
    "ioctl": (16, 29),
}

_CLONE_THREAD = 0x10000
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_SOCK_STREAM, _SOCK_TYPES = 1, 0xF
_IPPROTO_TCP = 6
_MSG_FASTOPEN = 0x20000000
# PDEATHSIG, DUMPABLE, MM, CHILD_SUBREAPER, PTRACER.
_PRCTL_DENIED = (1, 4, 35, 36, 0x59616D61)
# F_SETOWN, F_SETOWN_EX; FIOSETOWN, SIOCSPGRP.
_FCNTL_OWN = (8, 15)
_IOCTL_OWN = (0x8901, 0x8902)


def allowed_when(pid: int) -> dict[str, list[list[Check]]]:
    """Say when each conditional call is allowed: if all checks of one of its lists hold.

    ``pid`` is the process that is shut in.
    """
    no_fast_open = Check(3, 0, mask=_MSG_FASTOPEN)
    return {
        "clone": [[Check(0, _CLONE_THREAD, mask=_CLONE_THREAD)]],
        "kill": [[Check(0, pid)]],
        "tgkill": [[Check(0, pid)]],
        "prlimit64": [[Check(0, 0)], [Check(0, pid)]],
        "prctl": [[Check(0, option, equal=False) for option in _PRCTL_DENIED]],
        # Libraries make one to see whether they could; it can be neither connected nor bound.
        "socket": [
            [Check(0, family), Check(1, _SOCK_STREAM, mask=_SOCK_TYPES), Check(2, protocol)]
            for family in (_AF_INET, _AF_INET6)
            for protocol in (0, _IPPROTO_TCP)
        ],
        # Event loops wake themselves by one. Not datagrams: these could be sent elsewhere.
        "socketpair": [[Check(0, _AF_UNIX), Check(1, _SOCK_STREAM, mask=_SOCK_TYPES)]],
        "sendto": [[no_fast_open]],
        "sendmsg": [[Check(2, 0, mask=_MSG_FASTOPEN)]],
        "sendmmsg": [[no_fast_open]],
        # The owner of a descriptor gets a signal when it can be read: whoever it is.
        "fcntl": [[Check(1, command, equal=False) for command in _FCNTL_OWN]],
        "ioctl": [[Check(1, command, equal=False) for command in _IOCTL_OWN]],
    }
