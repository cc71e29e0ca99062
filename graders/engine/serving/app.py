"""What uvicorn imports for `grade.py serve`: it makes the model answer, then loads the app.

Reads its one setting from the environment, because uvicorn imports it anew in each process that a
reload starts. Must be imported by nothing else.
"""

from __future__ import annotations

import importlib
import os
import sys
from functools import reduce

from graders.engine.serving.interception import intercept
from graders.engine.serving.order import SETTING, ServeOrder
from graders.engine.serving.repeating import RepeatingModel


def load(order: ServeOrder) -> object:
    """Return the app, imported as `uvicorn server:app` in its folder would import it."""
    sys.path[:] = [str(order.folder), *(each for each in sys.path if each != str(order.root))]
    if order.scripted:
        intercept(RepeatingModel().answer)
    module, _, variable = order.app.partition(":")
    return reduce(getattr, variable.split("."), importlib.import_module(module))


app = load(ServeOrder.from_text(os.environ.pop(SETTING)))
