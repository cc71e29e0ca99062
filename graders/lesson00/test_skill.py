"""The file of the skill: where it is, its front matter, its sections, its references."""

from __future__ import annotations

import pytest

from graders.engine.harness import criterion, expect, quote
from graders.lesson00.skill import FILE, NAME, Skill

BEGINS = "This skill should be used when"
SECTIONS = ("Overview", "When to Use", "Workflow", "References", "Examples")


@criterion("skill-file")
def test_skill_is_a_folder(skill: Skill) -> None:
    expect(bool(skill.text.strip()), f"`{FILE}` is empty.")


@criterion("front-matter")
def test_skill_begins_with_front_matter(skill: Skill) -> None:
    expect(
        skill.has_front_matter,
        f"`{FILE.name}` does not begin with a line `---` that another such line follows.",
    )
    given = skill.front_matter
    for key in ("name", "description"):
        expect(bool(given.get(key)), f"The front matter gives no `{key}`.", hint="lacking")


@criterion("skill-name")
def test_name_is_that_of_the_folder(skill: Skill) -> None:
    name = skill.front_matter["name"]
    expect(name == NAME, f"`name` is `{quote(name)}`, and the folder is `{NAME}`.")


@criterion("description-says-when")
def test_description_says_when(skill: Skill) -> None:
    description = " ".join(skill.front_matter["description"].split())
    other = "capitals" if description.casefold().startswith(BEGINS.casefold()) else "words"
    expect(
        description.startswith(BEGINS),
        f"`description` begins with other {other}: “{quote(description, 60)}”.",
    )
    rest = description.removeprefix(BEGINS)
    expect(
        any(letter.isalpha() for letter in rest),
        "`description` does not say when: nothing follows these words.",
        hint="empty",
    )


@criterion("sections")
@pytest.mark.parametrize("name", SECTIONS)
def test_section_is_there(name: str, skill: Skill) -> None:
    wanted = name.casefold()
    named = [section for section in skill.page.sections
             if f"{section.words} ".startswith(f"{wanted} ")]  # fmt: skip
    expect(bool(named), f"There is no heading “{name}”.")
    expect(
        any(not section.is_empty for section in named),
        f"Nothing stands below the heading “{name}” (line {named[0].line}).",
        hint="empty",
    )


@criterion("references-exist")
def test_references_exist(skill: Skill) -> None:
    named = [*skill.page.links, *skill.page.paths]
    lacking = [link for link in dict.fromkeys(named) if skill.lacks(link)]
    expect(
        not lacking,
        f"`{FILE.name}` names what was not handed in: "
        f"{', '.join(f'`{quote(link, 100)}`' for link in lacking[:5])}.",
    )
    sections = [each for each in skill.page.sections if each.words.startswith("references")]
    links = [link for each in sections for link in (*each.links, *each.paths, *each.paths_in_text)]
    expect(
        any(skill.is_beside(link) for link in links),
        "The section References names no file in the skill's folder."
        if sections
        else "There is no section References that could name a file.",
        hint="none",
    )
