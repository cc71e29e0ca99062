"""What the bundler makes of a folder, and what it says where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.web.bundle import Bundle, BundleProblem, bundle
from graders.engine.web.packages import web_packages

ENTRY = {"page.js": 'import * as widget from "./web/src/Widget"; window.widget = widget;'}


def bundled(folder: Path, **files: str) -> Bundle | BundleProblem:
    """Bundle a folder with ``Widget.tsx`` and other files."""
    (folder / "src").mkdir()
    for name, text in files.items():
        (folder / "src" / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return bundle(folder, ENTRY, web_packages())


def test_styles_json_and_images_are_bundled(tmp_path: Path) -> None:
    made = bundled(
        tmp_path,
        Widget__tsx='import "./a.css"; import words from "./b.json"; import url from "./c.svg";'
        "export const Widget = () => <img src={url} alt={words.alt} />;",
        a__css="p { color: red; }",
        b__json='{"alt": "an image"}',
        c__svg="<svg/>",
    )
    assert isinstance(made, Bundle)
    assert sorted(made.files) == ["page.css", "page.js"]
    assert b"data:image/svg+xml" in made.files["page.js"]


@pytest.mark.parametrize(
    ("text", "message", "place", "cure"),
    [
        ('import axios from "axios"; axios();', 'Could not resolve "axios"', ":1:18", "may import"),
        ('import x from "./nowhere"; x();', 'Could not resolve "./nowhere"', ":1:14", "no such"),
        ("export const x = <p>;", "Unexpected end of file", ":1:", "tsc"),
    ],
)
def test_mistake_is_told_with_its_place_and_a_cure(
    tmp_path: Path, text: str, message: str, place: str, cure: str
) -> None:
    made = bundled(tmp_path, Widget__tsx=text)
    assert isinstance(made, BundleProblem)
    assert message in made.message
    assert made.place.startswith(f"web/src/Widget.tsx{place}")
    assert cure in made.cure


def test_rest_of_a_file_is_not_quoted(tmp_path: Path) -> None:
    text = 'export const x = <p role="a" "b>{y}</p>;\n' + "export const z = 1;\n" * 20 + '"'
    made = bundled(tmp_path, Widget__tsx=text)
    assert isinstance(made, BundleProblem)
    assert "z = 1" not in made.message
    assert made.message.endswith(' ..."')


def test_bundler_that_says_too_much_is_ended(tmp_path: Path) -> None:
    names = [letter * 6 * 1024 * 1024 for letter in "abc"]
    made = bundled(tmp_path, Widget__tsx="\n".join(f'import "./{name}";' for name in names))
    assert isinstance(made, BundleProblem)
    assert made.message == "The bundler was ended: it printed more than 1,024 KiB."
    assert len(made.said) <= 2_000


def test_settings_of_the_submission_have_no_say(tmp_path: Path) -> None:
    (tmp_path / "tsconfig.json").write_text('{"compilerOptions": {"jsx": "preserve"}}', "utf-8")
    made = bundled(tmp_path, Widget__tsx="export const Widget = () => <p>yes</p>;")
    assert isinstance(made, Bundle)
    assert b"<p>yes" not in made.files["page.js"]


def test_same_files_are_bundled_once(tmp_path: Path) -> None:
    made = bundled(tmp_path, Widget__tsx="export const Widget = 1;")
    assert bundle(tmp_path, ENTRY, web_packages()) is made
    (tmp_path / "src" / "Widget.tsx").write_text("export const Widget = 2;", encoding="utf-8")
    assert bundle(tmp_path, ENTRY, web_packages()) is not made
