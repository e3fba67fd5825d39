"""What a mention is for: compared with, excluded, or meant; told by the words about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from tellurion_agent.planning.extraction.mention import Mention, Role
from tellurion_agent.planning.extraction.text import TAKEN, Text
from tellurion_agent.slots import Kind

_FILLER = (
    r"(?:\W|\b(?:the|a|an|its|their|that|those|of|for|from|in|over|on|to|is|as|by|period|years?|mean|average|values?|"
    r"climatolog\w*|long-term|normals?|base|baseline|reference|ones?|data|model|run|simulation|observations?)\b)*"
)
_BASE_BEFORE = re.compile(
    r"(?:rel(?:ative|\.)? to|with respect to|wrt|w\.r\.t\.?|compared? (?:to|with|against)|"
    r"in comparison (?:to|with)|against|"
    r"minus|less|versus|vs|(?:close\w*|near\w*|similar\w*) to|"
    r"(?:reproduc|resembl|match)\w*|agree\w*(?: \w+)? with|fits?(?: \w+)? to|ref\.|"
    r"than|(?:anomal\w+|departures?|deviations?|differen\w+|bias\w*) (?:from|to|relative to|with respect to)|"
    r"subtract\w*|(?:base|baseline|base-?line|reference|normal)(?: period)?(?: of)?|"
    r"referenced to|referred to|taking away)"
    rf"{_FILLER}$"
)
_BASE_AFTER = re.compile(
    r"^[\s(\-]*(?:(?:mean|average|period|years?|climatolog\w+|is|as|being|the|a|our|taken|used|serving|treated)\W+)*"
    r"(?:base(?:line)?|reference|normals?|truth|yardstick|benchmark)(?!\w)"
)
_BASE_OF_TWO = re.compile(
    r"(?:climatolog\w+|normals?|clim\.?)(?: mean| period)?(?: of| for| from| over)?[\s:(]*(?:the )?$"
)
"""Before a period, where another one stands apart."""
_SUBTRACTED = re.compile(r"^[\s,)]*(?:is|are|was|were|be|being)?\s*(?:subtracted|taken|deducted)\s+from(?!\w)")
_LEFT_OUT = re.compile(
    r"(?:excluding|except(?:ing)?(?: for)?|without|omitting|leaving out|ignoring|apart from|other than|but not|minus)"
    r"(?:\W|\b(?:the|a|in|over|for|from|data)\b)*$"
)
_NOT = re.compile(
    r"(?:\bnot|\brather than|\binstead of|n't(?: \w+)?)(?:\W|\b(?:the|a|in|over|for|from|of|on|use|mean)\b)*$"
)
_TO = re.compile(r"\W*(?:to|with|against)\W+(?:the\W+)?")
_COMPARES = re.compile(r"(?<!\w)(?:compar|evaluat|rank|order|judg|assess)\w*")
_REACH = 70
"""Characters about a mention that tell its role."""


def with_roles(text: Text, mentions: Sequence[Mention]) -> list[Mention]:
    """The mentions, each with its role."""
    blank = text.without((m.start, m.end) for m in mentions).plain
    found = [replace(mention, role=_role(blank, mention)) for mention in mentions]
    periods = [mention for mention in found if mention.kind is Kind.PERIOD]
    if len(periods) == 2 and all(mention.role is Role.PLAIN for mention in periods):
        bases = [m for m in periods if _BASE_OF_TWO.search(blank[max(0, m.start - _REACH) : m.start])]
        if len(bases) == 1:
            found = [replace(mention, role=Role.BASE) if mention == bases[0] else mention for mention in found]
    return found


def _role(blank: str, mention: Mention) -> Role:
    before = blank[max(0, mention.start - _REACH) : mention.start].rpartition(TAKEN)[2]
    before = re.split(r"[;?!]|(?<!\bref)(?<!\brel)(?<!w\.r\.t)[.](?=\s|$)", before)[-1]
    after = blank[mention.end : mention.end + _REACH].partition(TAKEN)[0]
    if _NOT.search(before) and not before.rstrip().endswith("but not"):
        return Role.NOT
    if re.search(r"\bminus\W", before) is None and _LEFT_OUT.search(before):
        return Role.LEFT_OUT
    compared = _TO.fullmatch(before) and _COMPARES.search(re.split(r"[;?!]", blank[: mention.start])[-1])
    if compared or _BASE_BEFORE.search(before) or _BASE_AFTER.search(after) or _SUBTRACTED.search(after):
        return Role.BASE
    return Role.PLAIN
