"""The HTML report in Chromium: read, sorted, filtered, printed, at two widths, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from graders.engine.core.results import Result, Status
from graders.engine.reports.formats import html_page
from tests.browser.conftest import SIZES, Open
from tests.reports.nasty import hostile
from tests.reports.samples import mixed, result, row


def good() -> Result:
    """Return a result with full marks."""
    return result(
        row("a", "A first message is answered", points=60),
        row("b", "The answer comes in the model's pieces", points=40),
    )


RESULTS = {"good": good, "mixed": mixed, "hostile": hostile}
Make = Callable[[], Result]

results = pytest.mark.parametrize("make", RESULTS.values(), ids=RESULTS)
sizes = pytest.mark.parametrize("size", SIZES)


def rows_shown(page: Page) -> list[str]:
    """Return the standings of the criteria that can be seen, in their order."""
    return [
        each.inner_text().strip()
        for each in page.locator("#criteria td.standing").all()
        if each.is_visible()
    ]


@results
@sizes
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_accessible(opened: Open, axe: str, make: Make, size: str, scheme: str) -> None:
    page = opened(html_page.render(make()), size, scheme=scheme)
    page.evaluate(axe)
    found: list[dict[str, Any]] = page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
    )
    assert [(each["id"], [node["html"] for node in each["nodes"]][:2]) for each in found] == []


@results
@sizes
def test_nothing_is_wider_than_the_screen(opened: Open, make: Make, size: str) -> None:
    page = opened(html_page.render(make()), size)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= SIZES[size][0]


@results
def test_page_is_whole_without_javascript(opened: Open, make: Make) -> None:
    made = make()
    page = opened(html_page.render(made), javascript=False)
    assert len(rows_shown(page)) == len(made.criteria)
    assert page.locator(".tools").is_hidden()
    assert page.locator("#criteria button").count() == 0
    assert page.get_by_role("main").is_visible()
    assert f"{made.score} of {made.max_score} points" in page.locator("header .score").inner_text()


def test_criteria_are_filtered_by_how_they_ended(opened: Open) -> None:
    page = opened(html_page.render(mixed()))
    everything = rows_shown(page)
    assert len(everything) == 7
    page.get_by_role("button", name="Failed").click()
    assert set(rows_shown(page)) == {"failed", "partly"}
    assert page.get_by_role("status").inner_text() == "3 of 7 shown"
    pressed = page.locator(".tools [aria-pressed=true]")
    assert pressed.all_inner_texts() == ["Failed"]
    page.get_by_role("button", name="All").press("Enter")
    assert rows_shown(page) == everything
    assert page.get_by_role("status").inner_text() == "7 of 7 shown"


def test_criteria_stand_under_what_they_ask_and_an_empty_group_is_not_shown(opened: Open) -> None:
    page = opened(html_page.render(mixed()))
    groups = page.locator("#criteria tr.group")

    def shown() -> list[str]:
        return [each.inner_text().strip() for each in groups.all() if each.is_visible()]

    assert shown() == ["The first answer", "The endpoint", "Others"]
    page.get_by_role("button", name="Passed").click()
    assert shown() == ["The first answer"]
    page.get_by_role("button", name="All").click()
    page.get_by_role("columnheader", name="Points").get_by_role("button").click()
    assert shown() == []


def test_criteria_are_sorted_by_what_was_lost_and_put_back(opened: Open) -> None:
    page = opened(html_page.render(mixed()))
    before = rows_shown(page)
    lost = page.get_by_role("columnheader", name="Lost")

    def numbers() -> list[int]:
        cells = page.locator("#criteria td:nth-child(3)").all_inner_texts()
        return [int(text or 0) for text in cells]

    assert lost.get_attribute("aria-sort") == "none"
    lost.get_by_role("button").click()
    assert lost.get_attribute("aria-sort") == "descending"
    assert numbers() == sorted(numbers(), reverse=True)
    lost.get_by_role("button").click()
    assert lost.get_attribute("aria-sort") == "ascending"
    assert numbers() == sorted(numbers())
    lost.get_by_role("button").click()
    assert lost.get_attribute("aria-sort") == "none"
    assert rows_shown(page) == before


def test_title_of_what_failed_leads_to_what_is_said_about_it(opened: Open) -> None:
    page = opened(html_page.render(mixed()))
    page.get_by_role("link", name="The answer comes in the model's pieces").click()
    article = page.locator("article:target")
    assert article.get_by_role("heading").inner_text() == "The answer comes in the model's pieces"
    assert article.is_visible()


def test_first_key_leads_past_the_heading(opened: Open) -> None:
    page = opened(html_page.render(mixed()))
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.inner_text() == "To the findings"
    assert focused.bounding_box()
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_print_has_all_of_it_in_black_on_white(opened: Open, scheme: str) -> None:
    page = opened(html_page.render(mixed()), scheme=scheme)
    page.get_by_role("button", name="Passed").click()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("details:not([open])").count() == 0
    assert page.locator(".tools").is_hidden()
    assert len(rows_shown(page)) == 7
    colours = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert rows_shown(page) == ["passed"]
    assert page.pdf().startswith(b"%PDF")
    assert rows_shown(page) == ["passed"]


def test_text_of_a_submission_is_shown_and_never_run(opened: Open) -> None:
    page = opened(html_page.render(hostile()))
    assert page.locator("img, iframe, object, embed").count() == 0
    assert "<img src=x onerror=alert(1)>" in page.locator("main").inner_text()
    assert page.evaluate("document.scripts.length") == 1


def test_timeline_is_told_to_who_cannot_see_it(opened: Open) -> None:
    page = opened(html_page.render(mixed()))
    figures = page.locator("figure svg")
    assert figures.count() >= 1
    for figure in figures.all():
        assert figure.get_attribute("role") == "img"
        assert figure.get_attribute("aria-label") or figure.locator("title").count()


def test_result_in_which_nothing_was_tried_is_shown_too(opened: Open) -> None:
    page = opened(html_page.render(result(row("a", "It works", Status.NOT_RUN, 100))))
    assert rows_shown(page) == ["not tried"]
