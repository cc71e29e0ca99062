"""Reading what is hidden: rubric, checks, other submissions, by every path there is."""

from __future__ import annotations

from tests.hostile.attack import Attack

ATTACKS = (
    Attack(
        "read-the-rubric",
        "the rubric, with the hints of hidden criteria",
        "open(PROJECT + '/graders/lesson02/rubric.yaml').read()",
    ),
    Attack(
        "list-the-checks",
        "the names of the hidden checks",
        "os.listdir(PROJECT + '/graders/lesson02')",
    ),
    Attack(
        "read-the-checks",
        "the hidden checks themselves",
        "open(PROJECT + '/graders/lesson02/test_threads.py').read()",
    ),
    Attack(
        "import-the-checks",
        "the hidden checks, by the import system",
        """
        import importlib.util
        path = PROJECT + "/graders/lesson02/scenarios.py"
        spec = importlib.util.spec_from_file_location("checks", path)
        spec.loader.get_code("checks")
        """,
        at="import",
    ),
    Attack(
        "read-the-engine",
        "the grader's own code",
        "open(PROJECT + '/graders/engine/__init__.py').read()",
    ),
    Attack(
        "read-the-tests",
        "the tests of the grader",
        "os.listdir(PROJECT + '/tests/hostile')",
    ),
    Attack(
        "list-the-solutions",
        "the reference solutions",
        "os.listdir(PROJECT + '/reference_solutions')",
    ),
    Attack(
        "read-a-solution-in-place-of-an-own-answer",
        "a solution that runs in the place of its own code",
        "sys.path.insert(0, PROJECT + '/reference_solutions/lesson02/solution_modules')\n"
        "os.listdir(sys.path.pop(0))",
        at="import",
    ),
    Attack(
        "read-another-submission",
        "the work of somebody else",
        "open(OTHER + '/server.py').read()",
    ),
    Attack("list-other-submissions", "names of others", "os.listdir(OTHER + '/..')"),
    Attack("read-results", "the scores of others", "open(RESULTS + '/result.json').read()"),
    Attack(
        "read-through-a-symbolic-link",
        "a file outside, by a link made when it runs",
        "os.symlink(OTHER, 'out'); os.listdir('out')",
    ),
    Attack(
        "read-through-a-hard-link",
        "a file outside under a name of its own",
        "os.link(OTHER + '/server.py', 'linked')",
    ),
    Attack(
        "read-through-the-own-root",
        "a file outside, by the back door of /proc",
        "os.listdir('/proc/self/root' + OTHER)",
    ),
    Attack(
        "read-through-a-descriptor-of-a-folder",
        "a file outside, relative to an open folder",
        """
        folder = os.open(OTHER, os.O_PATH)
        os.close(os.open("server.py", os.O_RDONLY, dir_fd=folder))
        """,
    ),
    Attack(
        "reopen-a-path-descriptor",
        "a file outside, by reopening a descriptor that only names it",
        """
        name = os.open(OTHER + "/server.py", os.O_PATH)
        os.close(os.open(f"/proc/self/fd/{name}", os.O_RDONLY))
        """,
    ),
    Attack("read-upwards", "what lies around its copy", "os.listdir('../..')"),
    Attack(
        "attach-a-database-outside",
        "a database outside, by SQLite's own opening of files",
        """
        import sqlite3
        base = sqlite3.connect("own.db")
        try:
            base.execute("attach ? as other", (OTHER + "/other.db",))
            base.execute("select * from other.t").fetchall()
        except sqlite3.OperationalError as error:
            raise PermissionError(errno.EACCES, str(error)) from None
        """,
    ),
    Attack(
        "open-by-a-handle",
        "a file outside, by its number and no path",
        """
        handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
        mount = ctypes.c_int()
        path = ctypes.c_char_p((OTHER + "/server.py").encode())
        call("name_to_handle_at", -100, path, handle, ctypes.byref(mount), 0)
        folder = os.open(OTHER, os.O_RDONLY | os.O_DIRECTORY)
        os.close(call("open_by_handle_at", folder, handle, os.O_RDONLY))
        """,
        needs_root=True,
    ),
    Attack("list-processes", "what else runs", "os.listdir('/proc') and open('/proc/1/status')"),
    Attack("read-users", "the names of users", "open('/etc/passwd').read()"),
    Attack("read-the-machines-name", "which machine this is", "open('/etc/hostname').read()"),
    Attack(
        "list-the-temporary-folder",
        "the copies of others that are graded just now",
        "if not os.listdir(SHARED + '/..'): nothing_found()",
    ),
    Attack(
        "read-shared-memory",
        "what others share in memory",
        "open('/dev/shm/' + SHARED_NAME).read()",
    ),
    Attack("watch-folders", "when others are graded", "call('inotify_init1', 0)"),
    Attack(
        "links-in-the-submission",
        "what its own links point to, copied for it by the grader",
        "[open(name).read() for name in ('rubric.yaml', 'other/server.py', 'up/server.py')]",
        links={
            "rubric.yaml": "{PROJECT}/graders/lesson02/rubric.yaml",
            "other": "{OTHER}",
            "up": "../other",
        },
        stopped_by_grader=True,
    ),
)
