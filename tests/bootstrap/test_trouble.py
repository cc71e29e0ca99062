"""Installers' own words, as they were seen, and what a student reads instead."""

from __future__ import annotations

import pytest

from graders.bootstrap.trouble import LINES_SHOWN, SetupError, explain, no_venv_module


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one"),
        ("error: Hash mismatch for `rich==14.1.0`", "not the one"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))", "trusted"),
        ("  Caused by: invalid peer certificate: UnknownIssuer", "trusted"),
        ("HTTPSConnection: [Errno -3] Temporary failure in name resolution", "be reached"),
        ("  cause: Connection refused (os error 111)", "could not be reached"),
        ("error: Failed to fetch: `https://example.org/simple/rich/`", "could not be reached"),
        ("ERROR: No matching distribution found for rich==14.1.0", "was not found"),
        ("PermissionError: [Errno 13] Permission denied: '/opt/x'", "may not be written"),
        ("created successfully because ensurepip is not available.", "virtual environments"),
        ("/usr/bin/python3: No module named venv", "virtual environments"),
    ],
)  # fmt: skip
def test_known_symptom_is_explained_with_the_line_that_shows_it(line: str, fact: str) -> None:
    trouble = explain("pip install", 1, ["Collecting rich", line, ""])
    assert fact in trouble.fact
    assert trouble.seen == (line,)
    assert trouble.cures


def test_missing_network_is_told_before_its_consequence() -> None:
    output = [
        "WARNING: Retrying after connection broken by 'NewConnectionError(...)'",
        "ERROR: No matching distribution found for rich==14.1.0",
    ]
    assert "could not be reached" in explain("pip install", 1, output).fact


def test_unknown_failure_shows_the_last_lines() -> None:
    trouble = explain("uv sync", 7, [f"line {number}" for number in range(20)])
    assert trouble.fact == "uv sync failed with exit code 7."
    assert len(trouble.seen) == LINES_SHOWN
    assert trouble.seen[-1] == "line 19"


def test_missing_venv_module_names_the_package_to_install() -> None:
    assert "sudo apt install python3-venv" in no_venv_module().text()


def test_text_puts_the_fact_first_then_what_was_seen_then_the_cures() -> None:
    trouble = SetupError("It is so.", "do this.", "do that.", seen=["a line"])
    assert trouble.text() == "It is so.\n  | a line\n  try: do this.\n   or: do that."
