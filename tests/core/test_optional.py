"""A package that is not installed is told with the cure."""

from __future__ import annotations

import json

import pytest

from graders.engine.core.errors import UsageError
from graders.engine.core.optional import optional_module


def test_package_is_loaded_or_told_to_be_missing() -> None:
    assert optional_module("json", "JSON", "Install it.") is json
    with pytest.raises(UsageError) as caught:
        optional_module("no_such_module_at_all", "Dask", "Install it.")
    assert str(caught.value) == "Dask is not installed."
    assert caught.value.cure == "Install it."
