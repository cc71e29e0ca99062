"""A skill is read as a stranger's file: what is in it, what it names, and nothing beyond it."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.core.errors import Finding
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import NOT_STARTED, Result
from graders.engine.grading.folder import grade_folder, no_servers
from graders.engine.grading.request import GradingRequest
from graders.lesson00.handed_in import no_skill
from graders.lesson00.skill import (
    FILE,
    FOLDER,
    MOST_BYTES,
    CodeBlock,
    MarkdownPage,
    Skill,
    own_text,
)

LESSON = Catalogue(REPOSITORY).lesson("lesson00")
SOLUTION = LESSON.solutions_dir / "solution"


def skill_of(root: Path, text: str = "# Overview\n") -> Skill:
    file = root / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    found = own_text(root, FILE)
    assert found is not None
    return Skill(root, found)


def graded(path: Path) -> Result:
    with no_servers() as open_factory:
        return grade_folder(GradingRequest(LESSON, path, seed=1), open_factory)


def test_archive_is_graded_as_the_folder_in_it_and_no_server_is_missed(tmp_path: Path) -> None:
    archive = tmp_path / "student.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in SOLUTION.rglob("*"):
            packed.write(file, f"handed-in/{file.relative_to(SOLUTION)}")
    result = graded(archive)
    assert result.full_marks
    assert result.problem is None
    assert result.isolation == NOT_STARTED


def test_code_of_a_skill_is_never_run(tmp_path: Path) -> None:
    shutil.copytree(SOLUTION, tmp_path / "copy")
    mark = tmp_path / "was run"
    script = tmp_path / "copy" / FOLDER / "scripts" / "chatkit.py"
    script.parent.mkdir()
    script.write_text(f"open({str(mark)!r}, 'w')\n", encoding="utf-8")
    (tmp_path / "copy" / "chatkit.py").write_text(script.read_text("utf-8"), encoding="utf-8")
    assert graded(tmp_path / "copy").full_marks
    assert not mark.exists()


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("---\nname: a\ndescription: b: c\n---\n", None),
        ("---\n- a\n---\n", None),
        ("---\n---\n", None),
        ("---\nname: &a x\nb: *a\n---\n", None),
        ("---\r\nname: 'a'\r\ndescription: >-\r\n  b\r\n  c\r\n---\r\n", ("a", "b c")),
        ("\ufeff---\nname: 1.0\ndescription: yes\nlist: [a]\n---\n", ("1.0", "yes")),
        ("---\nlicense:\nname: a\nhooks: {b: [c, ]}\ndescription: b\n---\n", ("a", "b")),
        ("---\nname: a\ndescription:\n---\n", ("a", "")),
    ],
)
def test_front_matter_is_strict_yaml(
    tmp_path: Path, text: str, given: tuple[str, str] | None
) -> None:
    skill = skill_of(tmp_path, text)
    assert skill.has_front_matter
    if given is None:
        with pytest.raises(Finding, match="`SKILL"):
            _ = skill.front_matter
    else:
        assert (skill.front_matter["name"], skill.front_matter["description"]) == given


def test_error_in_front_matter_has_the_line_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(Finding, match=r"`SKILL\.md`, line 3, is not valid YAML") as found:
        _ = skill_of(tmp_path, "---\nname: a\ndescription: b: c\n---\n").front_matter
    assert found.value.hint == "malformed"


@pytest.mark.parametrize("text", ["", "# A\n---\na: b\n---\n", "---\na: b\n", " ---\na: b\n---\n"])
def test_what_is_no_front_matter(tmp_path: Path, text: str) -> None:
    assert not skill_of(tmp_path, text).has_front_matter


def test_sections_go_on_to_the_next_heading_of_their_level() -> None:
    text = "Overview\n===\n\n## Part\n\ntext\n\n# 2. When to Use?\n\n## Inner\n\n```sh\n# no\n```\n"
    sections = MarkdownPage("a.md", text, 5).sections
    assert [(each.words, each.line) for each in sections] == [
        ("overview", 5),
        ("part", 8),
        ("when to use", 12),
        ("inner", 14),
    ]
    assert not any(each.is_empty for each in sections)


@pytest.mark.parametrize(
    "text", ["# A\n", "# A\n\n## B\n### C\n# D\ntext", "# A\n<!-- later -->\n", "# A\n\n---\n"]
)
def test_section_without_text_is_empty(text: str) -> None:
    assert MarkdownPage("a.md", text).sections[0].is_empty


def test_entries_with_boxes_are_read_whole() -> None:
    text = "# A\n- [ ] one\n\n  and more\n- two\n* [x] three\n  - [X] four\n- [] five\n"
    assert MarkdownPage("a.md", text).sections[0].entries == [
        "[ ] one and more",
        "[x] three",
        "[X] four",
    ]


def test_blocks_have_their_lines_and_languages() -> None:
    text = (
        "# A\n\n```Python title=x\na = 1\n```\n\n- b\n\n  ~~~py\n  # WRONG\n  c(\n  ~~~\n\n    d\n"
    )
    right, wrong = MarkdownPage("a.md", text, 3).blocks
    assert (right.line, right.language, right.is_python) == (6, "python", True)
    assert (wrong.line, wrong.language, wrong.is_python) == (12, "py", False)


DEEP = ("(" * 40_000, "-" * 40_000 + "1", "a" + ".b" * 20_000, "not " * 10_000 + "x", "a\0b")


@pytest.mark.parametrize("code", DEEP, ids=["brackets", "signs", "names", "words", "nul"])
def test_code_that_no_parser_takes_is_no_python(code: str) -> None:
    with pytest.raises(SyntaxError):
        CodeBlock("a.md", 1, "python", code).tree()


@pytest.mark.parametrize("code", ["await a", "async for b in c: d", "return 1", "yield", "  e = 1"])
def test_lines_out_of_their_context_are_python(code: str) -> None:
    assert CodeBlock("a.md", 1, "python", code).tree().body


@pytest.mark.parametrize(
    ("link", "lacks", "is_beside"),
    [
        ("references/a.md", False, True),
        ("references/a%2Emd#part", False, True),
        ("./references/../references/a.md?x", False, True),
        ("references", False, False),
        ("SKILL.md", False, False),
        ("../other/SKILL.md", False, False),
        ("references/A.md", True, False),
        ("references/link.md", True, False),
        ("folder/a.md", True, False),
        ("../../../../outside.md", True, False),
        ("/references/a.md", True, False),
        ("a%00b", True, False),
        ("a/" * 3_000, True, False),
        ("#part", False, False),
        ("https://example.com/a.md", False, False),
        ("mailto:a@example.com", False, False),
    ],
)
def test_links_name_what_was_handed_in(
    tmp_path: Path, link: str, lacks: bool, is_beside: bool
) -> None:
    root = tmp_path / "handed in"
    skill = skill_of(root)
    folder = root / FOLDER
    (folder / "references").mkdir()
    (folder / "references" / "a.md").write_text("a", encoding="utf-8")
    (folder / "references" / "link.md").symlink_to("a.md")
    (folder / "folder").symlink_to("references")
    (root / ".claude/skills/other").mkdir()
    (root / ".claude/skills/other/SKILL.md").write_text("b", encoding="utf-8")
    (tmp_path / "outside.md").write_text("c", encoding="utf-8")
    assert (skill.lacks(link), skill.is_beside(link)) == (lacks, is_beside)


def test_links_and_paths_of_a_page() -> None:
    page = MarkdownPage(
        "a.md", "[a](b) ![c](d) `references/e.md` `scripts/` `f/g.md`\n\n> [h]\n\n[h]: i\n"
    )
    assert page.links == ["b", "d", "i"]
    assert page.paths == ["references/e.md"]


@pytest.mark.parametrize(
    ("text", "in_code", "in_text"),
    [
        ("`./references/a.md`", ["references/a.md"], []),
        ("`.claude/skills/chatkit-server/references/a.md`", ["references/a.md"], []),
        ("`python scripts/a.py --help`", ["scripts/a.py"], []),
        ("`my/scripts/a.py` `references/*.md` `ls scripts/`", [], []),
        ("See references/a.md, or @references/b.md.", [], ["references/a.md", "references/b.md"]),
        ("Put it into references/, not into docs/references/a.md.", [], []),
    ],
)
def test_files_are_named_in_commands_and_in_plain_text(
    text: str, in_code: list[str], in_text: list[str]
) -> None:
    section = MarkdownPage("a.md", f"# References\n\n{text}\n").sections[0]
    assert (section.paths, section.paths_in_text) == (in_code, in_text)


@pytest.mark.parametrize("title", ["II. When to use", "**b) When to use**", "3.1 When to use"])
def test_number_before_a_heading_does_not_matter(title: str) -> None:
    assert MarkdownPage("a.md", f"# {title}\n").sections[0].words == "when to use"


def test_files_beside_are_read_too_but_for_what_is_no_text(tmp_path: Path) -> None:
    skill = skill_of(tmp_path, "```python\na = 1\n```\n")
    folder = tmp_path / FOLDER
    (folder / "b.py").write_text("b = 1", encoding="utf-8")
    (folder / "c.md").write_text("```python\nc = 1\n```\n", encoding="utf-8")
    (folder / "d.py").write_bytes(b"\xff")
    (folder / "e.py").write_text("#" * (MOST_BYTES + 1), encoding="utf-8")
    (folder / "f.py").symlink_to("b.py")
    (folder / "g.txt").write_text("g", encoding="utf-8")
    assert [each.file for each in skill.blocks] == ["SKILL.md", "b.py", "c.md"]


def nothing(root: Path) -> None:
    root.mkdir()


def flat(root: Path) -> None:
    (root / ".claude/skills").mkdir(parents=True)
    (root / ".claude/skills/chatkit-server.md").write_text("a", encoding="utf-8")


def elsewhere(root: Path) -> None:
    (root / "skills/chatkit-server").mkdir(parents=True)
    (root / "skills/chatkit-server/SKILL.md").write_text("a", encoding="utf-8")


def behind_a_link(root: Path) -> None:
    skill_of(root / "real")
    (root / ".claude").symlink_to(root / "real" / ".claude")


def too_large(root: Path) -> None:
    skill_of(root)
    (root / FILE).write_text("a" * (MOST_BYTES + 1), encoding="utf-8")


def no_text(root: Path) -> None:
    skill_of(root)
    (root / FILE).write_bytes(b"\xff\xfe")


@pytest.mark.parametrize(
    ("make", "hint", "seen"),
    [
        (nothing, None, "There is no `.claude/skills/chatkit-server/SKILL.md`"),
        (flat, "flat", "`.claude/skills/chatkit-server.md`; it must be a folder"),
        (elsewhere, "place", "There is `skills/chatkit-server/SKILL.md`"),
        (behind_a_link, "link", "is a link, or in a folder that is one"),
        (too_large, "size", "more than 50,000 bytes"),
        (no_text, "encoding", "is not saved as UTF-8"),
    ],
)
def test_what_is_there_in_place_of_a_skill_is_told(
    tmp_path: Path, make: Callable[[Path], None], hint: str | None, seen: str
) -> None:
    root = tmp_path / "handed in"
    make(root)
    assert own_text(root, FILE) is None
    with pytest.raises(Finding) as found:
        no_skill(root)
    assert found.value.hint == hint
    assert seen in found.value.seen


@pytest.mark.parametrize("code", ["def (", "import agents\nagents.nothing"])
def test_name_of_a_file_that_is_no_utf8_is_told_visibly(code: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(SOLUTION, copy)
    name = os.fsdecode(b"a\n`\xff`.py")
    (copy / FOLDER / "references" / name).write_text(code, encoding="utf-8")
    result = graded(copy)
    assert not result.grader_failed
    seen = [case.feedback.seen for row in result.criteria for case in row.cases if case.feedback]
    assert seen
    assert seen[0].startswith(r"`references/a\n`\udcff`.py`, line")
