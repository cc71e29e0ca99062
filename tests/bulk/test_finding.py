"""What was handed in is found in every kind of download, and belongs to the right student."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from graders.engine.bulk import repositories
from graders.engine.bulk.assigning import Assigned, assign
from graders.engine.bulk.finding import found_submissions
from graders.engine.bulk.projects import ProjectMarks, opened_project
from graders.engine.bulk.repositories import Repositories, is_repository
from graders.engine.bulk.roster import Enrolment, Roster
from graders.engine.content.catalogue import Catalogue
from graders.engine.core.errors import UsageError
from graders.engine.core.places import REPOSITORY
from graders.engine.submissions.submission_copy import SubmissionProblem
from tests.bulk.class_folder import RIGHT, RUDE, a_class, hand_in, zipped
from tests.miniature import COURSE

MARKS = ProjectMarks.of(Catalogue(COURSE).lesson("greeting"))
METADATA = """\
---
submission_11:
  :submitters:
  - :name: Jane Doe
    :sid: '101'
    :email: jane@uni.edu
  - :name: Ann Other
    :sid: '102'
    :email: ann@uni.edu
  :created_at: 2026-11-01 10:00:00.000000000 Z
submission_12:
  :submitters:
  - :name: Bob
    :sid:
    :email: bob@uni.edu
  :created_at: 2026-11-02 10:00:00.000000000 Z
"""


def test_files_of_a_lesson_without_a_server_are_known_by_their_paths(tmp_path: Path) -> None:
    lesson = Catalogue(REPOSITORY).lesson("lesson00")
    marks = ProjectMarks.of(lesson)
    shutil.copytree(lesson.solutions_dir / "solution", tmp_path / "work" / "mine")
    shutil.copytree(lesson.assignment_dir, tmp_path / "given")
    with opened_project(tmp_path, marks) as project:
        assert project.folder == tmp_path / "given"  # the nearer one
    shutil.move(tmp_path / "given", tmp_path / "work" / "given")
    with opened_project(tmp_path, marks) as project:
        assert project.shown == "work/mine"
        assert project.others == ("work/given",)


def who(source: Path, roster: Roster | None = None, due: str | None = None) -> dict[str, str]:
    """Return by student the text of the server that would be graded, or what is wrong."""
    found = {}
    with found_submissions(source, "greeting", Repositories(due)) as deliveries:
        for entry in assign(deliveries, roster or Roster()).entries:
            try:
                with entry.delivery.place() as place, opened_project(place, MARKS) as project:
                    server = project.folder / "server.py"
                    found[entry.student] = (
                        server.read_text(encoding="utf-8")
                        if server.is_file()
                        else (project.problem.kind if project.problem else "nothing")
                    )
            except SubmissionProblem as error:
                found[entry.student] = error.problem.kind
    return found


def assigned(source: Path, roster: Roster) -> Assigned:
    """Return who is graded of a folder."""
    with found_submissions(source, "greeting", Repositories()) as deliveries:
        return assign(deliveries, roster)


def git(folder: Path, *words: str, date: str = "2026-11-01T12:00:00Z") -> None:
    """Run git in a folder, at a date."""
    environment = {**os.environ, "GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date}
    who = ("-c", "user.name=x", "-c", "user.email=x@x", "-c", "init.defaultBranch=main")
    subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, env=environment
    )


def repository(folder: Path) -> Path:
    """Make a repository whose server was rude at first."""
    hand_in(folder, RUDE)
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "one")
    git(folder, "tag", "first")
    hand_in(folder, RIGHT)
    git(folder, "commit", "-am", "two", date="2026-11-20T12:00:00Z")
    return folder


def test_folder_of_folders_and_archives(tmp_path: Path) -> None:
    folder = a_class(tmp_path / "class")
    (folder / "remarks.txt").write_text("mine", encoding="utf-8")
    (folder / ".hidden").mkdir()
    (folder / "link").symlink_to(folder / "ada")
    found = who(folder)
    assert list(found) == ["ada", "bob", "cyd", "dee", "eve"]
    assert found["ada"] == found["dee"] == RIGHT
    assert (found["cyd"], found["eve"]) == ("nothing", "bad-archive")


def test_canvas_download_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "submissions.zip"
    path.write_bytes(
        zipped(
            {
                "doejane_101_9_work.zip": zipped({"server.py": RUDE}),
                "doejane_101_10_work-1.zip": zipped({"server.py": RIGHT}),
                "roe_LATE_102_11_server.py": RUDE,
                "roe_LATE_102_12_server-1.py": RIGHT,
                "roe_LATE_102_13_notes.txt": "words",
                "__MACOSX/x": "",
            }
        )
    )
    assert who(path) == {"101": RIGHT, "102": RIGHT}
    roster = Roster([Enrolment("jane", "Doe, Jane", names=("Doe, Jane",)), Enrolment("ann")])
    found = assigned(path, roster)
    assert [entry.student for entry in found.entries] == ["102", "jane"]
    late, jane = found.entries
    assert jane.older == ("doejane_101_9_work.zip",)
    assert late.late
    assert not late.on_roster
    assert late.delivery.notes == ("put together from 2 files",)
    assert [each.id for each in found.missing] == ["ann"]


def test_moodle_download_with_what_one_student_spoils(tmp_path: Path) -> None:
    path = tmp_path / "moodle.zip"
    path.write_bytes(
        zipped(
            {
                "Jane Doe_77_assignsubmission_file_/server.py": RIGHT,
                "Bob_78_assignsubmission_file_/a/../../server.py": RIGHT,
                "Eve_79_assignsubmission_file_/server.py": RIGHT,
                "Eve_79_assignsubmission_file_/SERVER.py": RIGHT,
                "Zed_80_assignsubmission_file_/in/here/work.zip": zipped({"x/server.py": RIGHT}),
            }
        )
    )
    assert who(path) == {"77": RIGHT, "78": "bad-archive", "79": "bad-archive", "80": RIGHT}


def test_one_student_alone_in_a_download_is_a_student(tmp_path: Path) -> None:
    path = tmp_path / "moodle.zip"
    path.write_bytes(zipped({"Jane_77_assignsubmission_file_/in/server.py": RIGHT}))
    assert who(path) == {"77": RIGHT}
    path.write_bytes(zipped({"all/of/ada/server.py": RIGHT}))
    assert who(path) == {"ada": RIGHT}


def test_too_large_a_submission_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "class.zip"
    path.write_bytes(zipped({"ada/server.py": RIGHT, "eve/x": bytes(51 << 20), "eve/y": b"1"}))
    assert who(path) == {"ada": RIGHT, "eve": "submission-too-big"}


def test_gradescope_export_with_groups(tmp_path: Path) -> None:
    folder = tmp_path / "assignment_1_export"
    hand_in(folder / "submission_11")
    hand_in(folder / "submission_12", RUDE)
    (folder / "submission_metadata.yml").write_text(METADATA, encoding="utf-8")
    assert who(folder) == {"101": RIGHT, "bob@uni.edu": RUDE}
    roster = Roster(
        [
            Enrolment("jane", names=("jane@uni.edu",)),
            Enrolment("ann", names=("ann@uni.edu",)),
            Enrolment("bob", names=("bob@uni.edu",)),
        ]
    )
    found = assigned(folder, roster)
    assert [(entry.student, entry.members) for entry in found.entries] == [
        ("bob", ("bob",)),
        ("jane", ("jane", "ann")),
    ]
    assert found.missing == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [("a: [", "line 2"), ("- a", "no submissions"), ("a: *x", "line 1"), ("\0", "cannot be read")],
)
def test_wrong_metadata_are_told(tmp_path: Path, text: str, told: str) -> None:
    hand_in(tmp_path / "submission_1")
    (tmp_path / "submission_metadata.yml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        who(tmp_path)
    packed = tmp_path / "export.zip"
    packed.write_bytes(zipped({"submission_1/server.py": RIGHT, "submission_metadata.yml": text}))
    with pytest.raises(UsageError, match=re.escape(str(packed / "submission_metadata.yml"))):
        who(packed)


def test_group_counts_once_and_the_newest_wins(tmp_path: Path) -> None:
    for name, text, time in (("ada", RUDE, 1_000), ("bob", RIGHT, 2_000)):
        os.utime(hand_in(tmp_path / name, text), (time, time))
    roster = Roster([Enrolment("ada", group="red"), Enrolment("bob", group="red")])
    assert who(tmp_path, roster) == {"red": RIGHT}
    (entry,) = assigned(tmp_path, roster).entries
    assert (entry.older, entry.members, entry.group) == (("ada",), ("ada", "bob"), "red")


def test_clones_of_a_classroom_and_the_last_commit_before_a_date(tmp_path: Path) -> None:
    repository(tmp_path / "c1-greeting-ada")
    repository(tmp_path / "c1-greeting-bob-b")
    assert who(tmp_path) == {"ada": RIGHT, "bob-b": RIGHT}
    assert who(tmp_path, due="2026-11-10T00:00:00+00:00") == {"ada": RUDE, "bob-b": RUDE}
    early = who(tmp_path, due="2026-10-01T00:00:00+00:00")
    assert early == {"ada": "no-repository", "bob-b": "no-repository"}


def test_lists_of_paths_and_repositories(tmp_path: Path) -> None:
    repository(tmp_path / "repo")
    hand_in(tmp_path / "ada", RIGHT)
    text = tmp_path / "list.txt"
    text.write_text("# mine\n\nada\nrepo @ first\n", encoding="utf-8")
    assert who(text) == {"ada": RIGHT, "repo": RUDE}
    url = (tmp_path / "repo").as_uri()
    table = tmp_path / "list.csv"
    table.write_text(
        f"student,submission,commit\nx,{url},first\ny,{url},\nz,{url},none\n", encoding="utf-8"
    )
    assert who(table) == {"x": RUDE, "y": RIGHT, "z": "no-repository"}
    assert is_repository(tmp_path / "repo")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("l.txt", "ada\nnone\n", "line 2: there is no `none`"),
        ("l.txt", "ada @ x\n", "line 1: `ada` is no git repository"),
        ("l.txt", "https://x.org/a.git @ --all\n", "line 1: `--all` is no commit"),
        ("l.txt", "ext::sh -c x\n", "line 1: there is no `ext::sh -c x`"),
        ("l.csv", "submission,x\n,1\n", "line 2: no submission is named"),
        ("l.txt", "\n", "There is no submission"),
    ],
)
def test_wrong_lists_are_told_with_the_line(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    hand_in(tmp_path / "ada")
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        who(tmp_path / name)


def test_nothing_to_be_found(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder, archive or list"):
        who(tmp_path / "none")
    with pytest.raises(UsageError, match="There is no submission in"):
        who(tmp_path)
    (tmp_path / "c.zip").write_bytes(b"PK")
    with pytest.raises(UsageError, match="cannot be used: It is damaged"):
        who(tmp_path / "c.zip")


def test_project_at_any_depth_is_taken_and_told(tmp_path: Path) -> None:
    hand_in(tmp_path / "a" / "given", (MARKS.stub["server.py"]).decode())
    hand_in(tmp_path / "a" / "mine")
    hand_in(tmp_path / "a" / "mine" / "old")
    hand_in(tmp_path / "a" / "node_modules" / "x")
    with opened_project(tmp_path, MARKS) as project:
        assert project.shown == "a/mine"
        assert project.others == ("a/given", "a/mine/old")


def test_archive_in_an_archive_is_opened_but_not_for_ever(tmp_path: Path) -> None:
    inner = zipped({"deep/server.py": RIGHT})
    (tmp_path / "a.zip").write_bytes(zipped({"x/b.zip": inner}))
    with opened_project(tmp_path, MARKS) as project:
        assert project.shown == "a.zip/b.zip"
        assert (project.folder / "server.py").is_file()
    for _ in range(5):
        inner = zipped({"c.zip": inner, "d": "x"})
    (tmp_path / "a.zip").write_bytes(inner)
    with opened_project(tmp_path, MARKS) as project:
        assert not (project.folder / "server.py").exists()


def test_python_file_handed_in_alone_is_the_server(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("mine.py\n", encoding="utf-8")
    (tmp_path / "mine.py").write_text(RIGHT, encoding="utf-8")
    assert who(tmp_path / "list.txt") == {"mine.py": RIGHT}


@pytest.mark.parametrize("leads", ["file", "link", "commondir", "alternates", "inner link"])
def test_clone_that_leads_elsewhere_is_just_a_folder(leads: str, tmp_path: Path) -> None:
    """What lies there is another student's, or the instructor's."""
    ada = repository(tmp_path / "class" / "ada") / ".git"
    eve = hand_in(tmp_path / "class" / "eve", "print('eve')")
    if leads == "file":
        (eve / ".git").write_text("gitdir: ../ada/.git\n", encoding="utf-8")
    elif leads == "link":
        (eve / ".git").symlink_to(ada)
    else:
        git(eve, "init")
        inside = {
            "commondir": eve / ".git/commondir",
            "alternates": eve / ".git/objects/info/alternates",
        }
        if leads in inside:
            inside[leads].write_text(f"{ada}/objects\n", encoding="utf-8")
        else:
            (eve / ".git/refs/more").symlink_to(ada / "refs")
    assert not is_repository(eve)
    assert who(tmp_path / "class", due="2099-01-01") == {"ada": RIGHT, "eve": "print('eve')"}


def test_small_repository_does_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = hand_in(tmp_path / "class" / "ada", RIGHT)
    (folder / "zeros").write_bytes(bytes(300_000))
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "one")
    monkeypatch.setattr(repositories, "_MOST_WRITTEN", 100_000)
    assert who(tmp_path / "class", due="2099-01-01") == {"ada": "no-repository"}


def test_pipe_and_names_that_are_no_utf8_cost_nobody_else(tmp_path: Path) -> None:
    folder = tmp_path / "class"
    for name in (b"\xff", b"\xfe", b"ada"):
        hand_in(folder / os.fsdecode(name))
    os.mkfifo(folder / "eve.zip")
    assert who(folder) == {
        r"\udcfe": RIGHT,
        r"\udcff": RIGHT,
        "ada": RIGHT,
        "eve": "bad-archive",
    }


@pytest.mark.parametrize(
    ("ada", "eve"),
    [
        ("c1-greeting-ada", "c1-greeting-eve-ada"),  # clones of a classroom
        ("ada", "eve-ada"),
        ("ada", "c1-greeting-ada"),
        ("ada", "-ada"),
        ("c1-greeting-ada-l", "c1-greeting-l-ada"),
        ("ada_7_8_server.py", "eve-ada_9_10_server.py"),  # of Canvas
        ("Ada_7_assignsubmission_file_", "Eve-Ada_9_assignsubmission_file_"),
    ],
)
@pytest.mark.parametrize("listed", [False, True])
def test_nobody_takes_the_place_of_a_student_by_a_name_that_ends_like_theirs(
    ada: str, eve: str, listed: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "class"
    for time, (name, text) in enumerate(((ada, RIGHT), (eve, RUDE))):
        folder.mkdir(exist_ok=True)
        if name.endswith(".py"):
            (folder / name).write_text(text, encoding="utf-8")
        else:
            hand_in(folder / name, text)
        os.utime(folder / name, (time, time))
    source = folder
    if listed:
        source = tmp_path / "list.txt"
        source.write_text(f"class/{ada}\nclass/{eve}\n", encoding="utf-8")
    found = who(source, Roster([Enrolment("ada", names=("ada-l",)), Enrolment("bob")]))
    assert found.pop("ada", RIGHT) == RIGHT
    assert list(found.values()).count(RUDE) == 1


def test_clone_alone_belongs_to_the_student_at_the_end_of_its_name(tmp_path: Path) -> None:
    hand_in(tmp_path / "class" / "c1-greeting-ada")
    assert who(tmp_path / "class", Roster([Enrolment("ada")])) == {"ada": RIGHT}


@pytest.mark.parametrize("roster", [Roster(), Roster([Enrolment("ada"), Enrolment("bob")])])
@pytest.mark.parametrize("other", ["-ada", "!ada!", "!ada"])
def test_nobody_else_has_the_file_that_is_named_like_a_student(
    other: str, roster: Roster, tmp_path: Path
) -> None:
    for name in ("ada", other):
        hand_in(tmp_path / name)
    files = {each.student: each.file for each in assigned(tmp_path, roster).entries}
    assert files["ada"] == "ada"
    assert len(set(files.values())) == len(files)


@pytest.mark.parametrize("place", ["deep", ".git/objects/deep"])
def test_folders_deeper_than_a_path_is_long_cost_nobody_else(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "class"
    for name in ("ada", "bob"):
        repository(folder / name)
    (folder / "bob" / place).mkdir(parents=True)
    with monkeypatch.context() as inside:
        inside.chdir(folder / "bob" / place)
        for _ in range(25):
            Path("x" * 200).mkdir()
            os.chdir("x" * 200)
    assert who(folder) == {"ada": RIGHT, "bob": RIGHT}
    assert who(folder, due="2099-01-01")["ada"] == RIGHT
