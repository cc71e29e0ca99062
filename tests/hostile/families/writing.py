"""Writing outside: changing, removing, moving, and shutting others out of their own files."""

from __future__ import annotations

from tests.hostile.attack import Attack

ATTACKS = (
    Attack("write-outside", "a file of its own elsewhere", "open(OTHER + '/new', 'w').close()"),
    Attack("change-outside", "other work to fail", "open(OTHER + '/server.py', 'a').close()"),
    Attack("remove-outside", "other work gone", "os.remove(OTHER + '/spare')"),
    Attack("make-a-folder-outside", "a folder elsewhere", "os.mkdir(OTHER + '/folder')"),
    Attack(
        "make-a-link-outside",
        "a link that others follow",
        "os.symlink('/', OTHER + '/link')",
    ),
    Attack("move-outside-in", "other work as its own", "os.rename(OTHER + '/moved', 'moved')"),
    Attack(
        "move-inside-out",
        "its own work in another's place",
        "open('own.py', 'w').close(); os.rename('own.py', OTHER + '/own.py')",
    ),
    Attack("empty-a-file-outside", "other work empty", "os.truncate(OTHER + '/emptied', 0)"),
    Attack(
        "write-beside-its-folder",
        "something that the next server finds",
        "open('../../left-behind', 'w').close()",
    ),
    Attack(
        "write-to-the-temporary-folder",
        "something that the next server finds",
        "open(SHARED + '/left-behind', 'w').close()",
    ),
    Attack(
        "plant-a-pth-file",
        "code of its own in every Python that starts here",
        "open(SITE + '/planted.pth', 'a').close()",
    ),
    Attack(
        "shut-others-out-by-modes",
        "files that their owner cannot read any more",
        """
        os.chmod(OTHER + "/server.py", 0)
        os.utime(OTHER + "/server.py", (1, 1))
        if os.stat(OTHER + "/server.py").st_mode & 0o777:
            raise PermissionError(errno.EPERM, "it did nothing")
        """,
    ),
    Attack(
        "mark-a-file-outside",
        "an attribute on a file outside",
        "os.setxattr(OTHER + '/server.py', 'user.mark', b'1')",
    ),
    Attack(
        "make-a-device",
        "the disk itself",
        "os.mknod('null', 0o666 | 0o20000, os.makedev(1, 3))",
        needs_root=True,
    ),
)
