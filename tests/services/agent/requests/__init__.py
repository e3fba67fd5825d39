"""The black-box examination of the agent: requests in plain language, with answers known by construction.

Whoever wrote these wordings and truths has not read the agent's recipes, diagnostics, planner or their tests, and
whoever changes them must not have either: the examination is worth what it does not know. Truths come from the world's
parameters, in closed form or by brute force in NumPy, never from the agent's code; where the field has several
conventions, all of theirs are right.

`World(seed)` is a folder of data; `examination(world)` the requests about it. Wordings, regions, periods, sources and
numbers follow the seed. `DEVELOPMENT_SEED` is for calibrating thresholds: it never shows the wordings that are held
out. `LOOKED_AT_SEEDS` show those or another hand's, but their failures were looked at and mended. `REPORTING_SEEDS` are
for reporting: they show only the wordings of the latest hand, and nothing may be tuned on them.
"""

from __future__ import annotations

from .grading import Grade, Verdict, grade
from .questions import DEVELOPMENT_SEED, LOOKED_AT_SEEDS, REPORTING_SEEDS, examination
from .request import Abstain, Answer, AnyOf, Clarify, Listed, Request, Within
from .topics import Topic, topics
from .world import World

__all__ = [
    "DEVELOPMENT_SEED",
    "LOOKED_AT_SEEDS",
    "REPORTING_SEEDS",
    "Abstain",
    "Answer",
    "AnyOf",
    "Clarify",
    "Grade",
    "Listed",
    "Request",
    "Topic",
    "Verdict",
    "Within",
    "World",
    "examination",
    "grade",
    "topics",
]
