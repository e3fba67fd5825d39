"""The script of a plan: short enough to be read, and complete."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tellurion_agent.recipes.recipe import Recipe

_TEMPLATE = '''\
"""{title}.

Written by Tellurion's agent. Reads the data sets that the manifest in sys.argv[1] names; writes answer.json here.
"""

import sys
from pathlib import Path

from tellurion_agent.laboratory.instruments import answer, opened
from tellurion_agent.recipes import {name}
from tellurion_agent.slots import Level, Period, Region, Season

QUESTION = {question}
SLOTS = {{
{slots}
}}

answer({name}.RECIPE, opened(sys.argv[1]), SLOTS, Path.cwd())
'''


def script(recipe: Recipe, slots: Mapping[str, Any], question: str) -> str:
    """Python that answers a question by a recipe; ``sys.argv[1]`` is the manifest of its data sets."""
    lines = (f"    {json.dumps(name)}: {value!r}," for name, value in slots.items())
    # In ASCII no character of a question can end a line or a string.
    return _TEMPLATE.format(title=recipe.title, name=recipe.name, question=ascii(question), slots="\n".join(lines))
