"""Which system calls a student's process may make, and what it is told of others: for ``seccomp``.

What is in no table is unknown to the process, as a call is to a kernel that is older than it: what
CPython, SQLite and C libraries need differs from version to version, and all of them know what to
do without a call that is not there. What programs expect to be refused is refused by name.
Numbers: ``asm/unistd_64.h``, ``asm-generic/unistd.h``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ArgumentCheck:
    """Compares the lowest 32 bits of argument ``argument``, masked, to ``value``."""

    argument: int
    value: int
    mask: int = 0xFFFFFFFF
    equal: bool = True


# name: (x86-64, arm64); None where the architecture has no such call.
Numbers = tuple[int | None, int | None]

# Left out on purpose: `clone3`, whose arguments cannot be checked, and the C library knows `clone`;
# `splice`, `tee` and `vmsplice`, by which files were written to that could only be read; queues and
# semaphores of System V, which outlive a process; changes of users, filters, key rings and nodes.
ALLOWED: dict[str, Numbers] = {
    # Its own memory.
    "brk": (12, 214),
    "madvise": (28, 233),
    "mincore": (27, 232),
    "mlock": (149, 228),
    "mlock2": (325, 284),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "msync": (26, 227),
    "munlock": (150, 229),
    "munmap": (11, 215),
    # Its own threads, and how they wait for each other.
    "arch_prctl": (158, None),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "futex": (202, 98),
    "futex_requeue": (456, 456),
    "futex_wait": (455, 455),
    "futex_waitv": (449, 449),
    "futex_wake": (454, 454),
    "get_robust_list": (274, 100),
    "gettid": (186, 178),
    "membarrier": (324, 283),
    "mseal": (462, 462),
    "restart_syscall": (219, 128),
    "rseq": (334, 293),
    "sched_yield": (24, 124),
    "set_robust_list": (273, 99),
    "set_tid_address": (218, 96),
    "wait4": (61, 260),
    "waitid": (247, 95),
    # Its own signals.
    "alarm": (37, None),
    "getitimer": (36, 102),
    "pause": (34, None),
    "rt_sigaction": (13, 134),
    "rt_sigpending": (127, 136),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "rt_sigsuspend": (130, 133),
    "rt_sigtimedwait": (128, 137),
    "setitimer": (38, 103),
    "sigaltstack": (131, 132),
    "signalfd": (282, None),
    "signalfd4": (289, 74),
    # Clocks and timers.
    "clock_getres": (229, 114),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "gettimeofday": (96, 169),
    "nanosleep": (35, 101),
    "time": (201, None),
    "timer_create": (222, 107),
    "timer_delete": (226, 111),
    "timer_getoverrun": (225, 109),
    "timer_gettime": (224, 108),
    "timer_settime": (223, 110),
    "timerfd_create": (283, 85),
    "timerfd_gettime": (287, 87),
    "timerfd_settime": (286, 86),
    "times": (100, 153),
    # What it is, where it runs, and what it may use.
    "capget": (125, 90),
    "getcpu": (309, 168),
    "getegid": (108, 177),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getgroups": (115, 158),
    "getpgid": (121, 155),
    "getpgrp": (111, None),
    "getpid": (39, 172),
    "getppid": (110, 173),
    "getpriority": (140, 141),
    "getrandom": (318, 278),
    "getresgid": (120, 150),
    "getresuid": (118, 148),
    "getrlimit": (97, 163),
    "getrusage": (98, 165),
    "getsid": (124, 156),
    "getuid": (102, 174),
    "ioprio_get": (252, 31),
    "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126),
    "sched_getaffinity": (204, 123),
    "sched_getattr": (315, 275),
    "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120),
    "sched_rr_get_interval": (148, 127),
    "setrlimit": (160, 164),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    # Files and folders, as far as Landlock lets it.
    "access": (21, None),
    "chdir": (80, 49),
    "creat": (85, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "fadvise64": (221, 223),
    "fallocate": (285, 47),
    "fchdir": (81, 50),
    "fgetxattr": (193, 10),
    "flistxattr": (196, 13),
    "flock": (73, 32),
    "fstat": (5, 80),
    "fstatfs": (138, 44),
    "ftruncate": (77, 46),
    "getcwd": (79, 17),
    "getdents": (78, None),
    "getdents64": (217, 61),
    "getxattr": (191, 8),
    "lgetxattr": (192, 9),
    "link": (86, None),
    "linkat": (265, 37),
    "listxattr": (194, 11),
    "llistxattr": (195, 12),
    "lseek": (8, 62),
    "lstat": (6, None),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "newfstatat": (262, 79),
    "open": (2, None),
    "openat": (257, 56),
    "openat2": (437, 437),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "rmdir": (84, None),
    "stat": (4, None),
    "statfs": (137, 43),
    "statx": (332, 291),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "umask": (95, 166),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    # Reading and writing.
    "close": (3, 57),
    "close_range": (436, 436),
    "copy_file_range": (326, 285),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "io_cancel": (210, 3),
    "io_destroy": (207, 1),
    "io_getevents": (208, 4),
    "io_pgetevents": (333, 292),
    "io_setup": (206, 0),
    "io_submit": (209, 2),
    "pipe": (22, None),
    "pipe2": (293, 59),
    "pread64": (17, 67),
    "preadv": (295, 69),
    "preadv2": (327, 286),
    "pwrite64": (18, 68),
    "pwritev": (296, 70),
    "pwritev2": (328, 287),
    "read": (0, 63),
    "readahead": (187, 213),
    "readv": (19, 65),
    "sendfile": (40, 71),
    "sync_file_range": (277, 84),
    "write": (1, 64),
    "writev": (20, 66),
    # Waiting for descriptors.
    "epoll_create": (213, None),
    "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21),
    "epoll_pwait": (281, 22),
    "epoll_pwait2": (441, 441),
    "epoll_wait": (232, None),
    "eventfd": (284, None),
    "eventfd2": (290, 19),
    "poll": (7, None),
    "ppoll": (271, 73),
    "pselect6": (270, 72),
    "select": (23, None),
    # Sockets that are its own already.
    "getpeername": (52, 205),
    "getsockname": (51, 204),
    "getsockopt": (55, 209),
    "recvfrom": (45, 207),
    "recvmmsg": (299, 243),
    "recvmsg": (47, 212),
    "setsockopt": (54, 208),
    "shutdown": (48, 210),
}

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
    # These would make all others wait for the disk as well.
    "sync": (162, 81),
    "syncfs": (306, 267),
}

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

NUMBERS: dict[str, Numbers] = {**CONDITIONAL, "connect": DENIED["connect"]}
"""Of all calls that depend on more than their own number."""

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


def allowed_when(pid: int, *, connects: bool = False) -> dict[str, list[list[ArgumentCheck]]]:
    """Say when each conditional call is allowed: if all checks of one of its lists hold.

    ``pid`` is the process that is isolated. ``connects`` opens connections of Unix sockets: the
    filter cannot see to which, so it is for a process that has a root folder with no others, and
    no network. Sockets of the internet it can make as before, and Landlock refuses to connect them.
    """
    local = [ArgumentCheck(0, _AF_UNIX), ArgumentCheck(1, _SOCK_STREAM, mask=_SOCK_TYPES)]
    opened: dict[str, list[list[ArgumentCheck]]] = {"connect": [[]]} if connects else {}
    no_fast_open = ArgumentCheck(3, 0, mask=_MSG_FASTOPEN)
    return opened | {
        "clone": [[ArgumentCheck(0, _CLONE_THREAD, mask=_CLONE_THREAD)]],
        "kill": [[ArgumentCheck(0, pid)]],
        "tgkill": [[ArgumentCheck(0, pid)]],
        "prlimit64": [[ArgumentCheck(0, 0)], [ArgumentCheck(0, pid)]],
        "prctl": [[ArgumentCheck(0, option, equal=False) for option in _PRCTL_DENIED]],
        # Libraries make one to see whether they could; it can be neither connected nor bound.
        "socket": [
            [
                ArgumentCheck(0, family),
                ArgumentCheck(1, _SOCK_STREAM, mask=_SOCK_TYPES),
                ArgumentCheck(2, protocol),
            ]
            for family in (_AF_INET, _AF_INET6)
            for protocol in (0, _IPPROTO_TCP)
        ]
        + ([local] if connects else []),
        # Event loops wake themselves by one. Not datagrams: these could be sent elsewhere.
        "socketpair": [local],
        "sendto": [[no_fast_open]],
        "sendmsg": [[ArgumentCheck(2, 0, mask=_MSG_FASTOPEN)]],
        "sendmmsg": [[no_fast_open]],
        # The owner of a descriptor gets a signal when it can be read: whoever it is.
        "fcntl": [[ArgumentCheck(1, command, equal=False) for command in _FCNTL_OWN]],
        "ioctl": [[ArgumentCheck(1, command, equal=False) for command in _IOCTL_OWN]],
    }
