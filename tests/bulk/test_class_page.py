"""The page of a class: whole, safe, and of use in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import html5lib
import pytest
from playwright.sync_api import Page, sync_playwright

from graders.engine.bulk.class_page import ClassPage, render
from graders.engine.bulk.deliveries import Delivery, Entry
from graders.engine.bulk.grades import HEADING, GradeRow, rows_of, table
from graders.engine.bulk.records import ResultRecord
from graders.engine.bulk.roster import Enrolment
from tests.bulk.test_journal import record
from tests.bulk.test_statistics import result

NASTY = "</script><script>alert(1)</script>`\x1b[31m\u202e\"'"


def row(told: ResultRecord, name: str = "") -> GradeRow:
    """Return the row of a result."""
    delivery = Delivery(
        f"{told.file}.zip", ((told.file,),), lambda: nullcontext(Path()), told.file, late=True
    )
    entry = Entry(told.file, told.file, delivery, (told.file,), name, older=("old.zip",))
    return GradeRow(told.file, name, "", entry, told)


def a_page() -> str:
    """Return the page of a class of 24, one of whom is nasty."""
    marks = ("+++", "++x", "+xx", "xx-", "x++", "+++")
    results = [result(f"s{at:02}", marks[at % 6], NASTY) for at in range(24)]
    rows = [row(each, NASTY) for each in results]
    rows.append(GradeRow("nobody", "N", ""))
    rows.append(row(record("broken", 0, NASTY)))
    return render(ClassPage("Title", "greeting", rows))


def test_page_is_html_and_holds_no_script_but_its_own() -> None:
    page = a_page()
    parser = html5lib.HTMLParser(strict=True)
    document = parser.parse(page)
    scripts = [each for each in document.iter() if each.tag.endswith("}script")]
    assert len(scripts) == 1
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "http:" not in page.replace("http-equiv", "")
    assert "https:" not in page


def test_page_of_nobody_is_a_page() -> None:
    assert "0 graded" in render(ClassPage("Title", "greeting", []))


@pytest.fixture(params=[1280, 390])
def browser_page(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Page]:
    """Yield the page in Chromium."""
    file = tmp_path / "index.html"
    file.write_text(a_page(), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": request.param, "height": 900})
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        page.on("dialog", lambda dialog: pytest.fail(dialog.message))
        page.goto(file.as_uri())
        yield page
        browser.close()


def test_bars_lead_to_their_students(browser_page: Page) -> None:
    page = browser_page
    rows = page.locator("#class tbody tr:visible")
    assert rows.count() == 26
    page.locator(".scores a").last.click()
    assert rows.count() == 8
    assert page.locator("#shown").inner_text() == "8 of 26 shown"
    page.locator("a.rate[data-failed='c1']").click()
    assert rows.count() == 8
    page.fill("#search", "s02")
    assert rows.count() == 1
    page.click("#all")
    assert rows.count() == 26
    page.locator("a[data-failed='c1 c2']").click()
    assert rows.count() == 4
    page.click("#all")
    page.get_by_role("button", name="Score").click()
    assert rows.first.get_attribute("data-score") == "30"
    assert page.evaluate("document.documentElement.scrollWidth") == page.evaluate("innerWidth")


def test_every_student_has_a_line_in_the_table() -> None:
    told = record("red", 7)
    entry = row(told).entry
    assert entry is not None
    team = Entry("red", "red", entry.delivery, ("ada", "bob"), group="red")
    other = Entry("x@y", "x-y", entry.delivery, ("x@y", "=1+1"), on_roster=False)
    students = [Enrolment("bob", "Bob", "red"), Enrolment("ada", "Ada", "red"), Enrolment("eve")]
    rows = rows_of([(team, told), (other, told)], students)
    lines = [line.split(",") for line in table(rows, ["c"]).splitlines()]
    assert lines[0] == [*HEADING, "c"]
    assert [(line[0], line[3], line[4]) for line in lines[1:]] == [
        ("bob", "graded", "7"),
        ("ada", "graded", "7"),
        ("eve", "not handed in", ""),
        ("x@y", "graded", "7"),
    ]
    assert lines[4][1] == "'=1+1"
