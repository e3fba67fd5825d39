"""Which of a slot's words a request chooses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tellurion_agent.planning.extraction.text import Text, text_of
from tellurion_agent.slots import Slot

_COUNT = r"(?:how (?:many|often)|numbers?|count(?:s|ed|ing)?|frequency|detect\w*)"
_SIZE = r"(?:mean|averaged?|amplitudes?|strength|how strong|intensity|typical)"
_EASTERN = r"(?:eastern[\s-]pacific|ep|eastern[\s-]type|canonical|conventional)(?![\w-])"
_CENTRAL = r"(?:central[\s-]pacific|cp|modoki|date ?line|warm[\s-]pool)(?![\w-])"
_MOST = r"(?:strongest|largest|highest|biggest|greatest|most (?:intense|strongly)|record|warmest|peak\w*|maxim\w+)"
_YEAR = r"(?:years?|when|date)"
_WARM, _COLD = (
    r"(?:el ninos?|warm (?:enso )?(?:events?|episodes?))",
    r"(?:la ninas?|cold (?:enso )?(?:events?|episodes?))",
)
_HIGH, _LOW = (
    r"(?:max(?:imum)?|warmest|hottest|highest|wettest|largest)",
    r"(?:min(?:imum)?|coldest|coolest|lowest|driest|smallest)",
)
_DRIVEN = r"(?:-(?:attribut\w+|induced|only|forced|driven|caused))?"
_SYNONYMS: dict[str, str] = {
    "mean": r"mean|averaged?|averages|averaging|typical",
    "median": r"median",
    "maximum": r"max(?:imum)?|maxima|highest|largest|greatest|warmest|hottest|wettest|rainiest|windiest|saltiest|"
    r"strongest|peaks?|peaked|(?<!at )most(?! recent)",
    "minimum": r"min(?:imum)?|minima|lowest|smallest|coldest|coolest|driest|calmest|freshest|weakest|(?<!at )least",
    "range": rf"range|peak[\s-]to[\s-](?:peak|trough)(?: amplitude)?|max(?:imum)?-min(?:imum)?|"
    rf"{_HIGH}(?: \w+){{0,3}}? (?:minus|less|and|vs|versus|-|to|against|from) (?:\w+ ){{0,2}}?{_LOW}|"
    rf"{_LOW}(?: \w+){{0,3}}? (?:minus|less|and|vs|versus|-|to|against|from) (?:\w+ ){{0,2}}?{_HIGH}",
    "standard deviation": r"standard deviations?|std|stdev|variability|spread|how variable",
    "variance": r"variance",
    "sum": r"sum|total|totals|accumulated|cumulative",
    "linear": r"linear|least[- ]squares|ols|regression",
    "theil-sen": r"theil[- ]?sen|sen'?s? slope|robust|non-?parametric|mann[- ]?kendall",
    "monthly": r"monthly|month by month|each month|every month|per month",
    "yearly": r"annual|annually|yearly|each year|every year|year by year",
    "annual": r"annual|annually|yearly|each year|every year|year by year",
    "seasonal": r"seasonal|each season|by season|seasonally",
    "pearson": r"pearson",
    "spearman": r"spearman|rank correlation",
    "percentile": r"percentiles?|quantiles?",
    "percent": r"percent(?:age)?|per cent|relative (?:change|increase|decrease|difference|anomaly)|%",
    "p-value": r"p[\s-]?values?|significance(?! level)|probability|p(?=\W*(?:\)|\?|$|=))|significan\w+",
    "kendall's tau": r"(?:kendall(?:'?s)? )?tau",
    "total change": r"total change|overall change|(?:change|increase|warming|cooling|rise) along the (?:trend|line)|"
    r"trend times|(?:change|warming|increase|rise) over the (?:whole|entire|full) (?:period|record)",
    "detrended standard deviation": r"detrend\w*|de-trend\w*|about (?:the|its|a) (?:linear )?trend|"
    r"(?:remov|subtract|tak|eliminat|correct)\w* .{0,25}?trend|trend .{0,15}(?:removed|subtracted|taken|excluded)|"
    r"(?:without|after|less|minus) (?:the |its |a )?(?:linear |long-term )?trend|residuals?",
    "autocorrelation": r"auto-?correlation|persisten\w+|memory|lag[\s-]?(?:1|one)",
    "root-mean-square error": r"rmsd?e?|rms (?:error|difference|deviation)|"
    r"root[\s-]mean[\s-]squared?(?: (?:error|difference|deviation))?",
    "pattern correlation": r"(?:spatial |pattern |centered |map |spatial pattern )*correlat\w*",
    "bias": r"bias\w*|mean (?:difference|error)|too (?:warm|cold|wet|dry|high|low)|(?:warm|cold|wett|dri)er",
    "regression slope": r"regress\w*|slopes?|(?:per|for (?:each|every)|a) (?:degree|deg|k|kelvin|unit|hpa|"
    r"standard deviation)|sensitivity of",
    "together": r"(?:first|leading|top|dominant) (?:two|three|four|five|\d)(?: \w+){0,2}? "
    r"(?:eofs|modes|pcs|patterns|components|functions)|together|cumulativ\w*|combined|sum|in total|jointly|added up|"
    r"altogether",
    "el nino events": rf"{_COUNT}(?!\w)(?:(?!la nina).){{0,60}}?{_WARM}|{_WARM}(?: events?| episodes?)?\W+{_COUNT}",
    "la nina events": rf"{_COUNT}(?!\w)(?:(?!el nino).){{0,60}}?{_COLD}|{_COLD}(?: events?| episodes?)?\W+{_COUNT}",
    "year of the maximum": rf"{_YEAR}(?!\w)(?:(?!la nina).){{0,40}}?{_MOST}(?:(?: \w+){{0,3}}? el ninos?)?"
    rf"(?:.{{0,30}}?(?<!\w)peak\w*)?(?!.{{0,20}}la nina)|{_MOST}(?:(?!la nina).){{0,40}}?{_YEAR}",
    "year of the minimum": rf"{_YEAR}(?!\w).{{0,40}}?(?:{_MOST} (?:\w+ )?la nina|lowest|coldest)",
    "highest oni": r"(?:strongest|largest|peak)(?: \w+){0,3}? el nino|max(?:imum)?|maxima|highest|largest|peaks?|"
    r"peaked",
    "lowest oni": r"(?:(?:peak|max|strength|value)\w*.{0,30}?)?(?:strongest|deepest|largest|most intense)"
    r"(?: \w+){0,2}? la nina|min(?:imum)?|minima|lowest|coldest",
    "number of eastern": rf"{_COUNT}(?!\w).{{0,80}}?{_EASTERN}|{_EASTERN}(?:(?!{_CENTRAL}).){{0,25}}?{_COUNT}",
    "number of central": rf"{_COUNT}(?!\w).{{0,80}}?{_CENTRAL}|{_CENTRAL}(?:(?!{_EASTERN}).){{0,25}}?{_COUNT}",
    "amplitude of eastern": rf"{_SIZE}(?!\w)(?:(?!{_CENTRAL}).){{0,80}}?{_EASTERN}",
    "amplitude of central": rf"{_SIZE}(?!\w)(?:(?!{_EASTERN}).){{0,80}}?{_CENTRAL}",
    "three-month mean": r"oni|oceanic nino index|(?:three|3)[\s-]months?(?:ly)?|running means?|smoothed|overlapping",
    "each": r"each|every|list\w*|separately|individual\w*|one by one|for all|per (?:model|data ?set|product)|"
    r"(?:value|number)s? (?:per|for)",
    "multi-model mean": r"(?:multi[\s-]?(?:model|product)|ensemble|overall|joint|combined) (?:mean|average)|"
    r"(?:mean|averaged?) (?:over|of|across) (?:all|the|these|those|several)? ?(?:\w+ )?"
    r"(?:models|data ?sets|products|members)",
    "latitude of the maximum": r"(?:which|what) latitude(?:(?!lowest|smallest|minim|cold|dri).){0,60}?"
    r"(?:highest|largest|maxim\w+|peaks?|strongest|warmest|wettest)|"
    r"latitude of (?:the )?(?:max\w*|peak|highest|largest)",
    "latitude of the minimum": r"(?:which|what) latitude.{0,60}?(?:lowest|smallest|minim\w+|weakest|coldest|driest)|"
    r"latitude of (?:the )?(?:min\w*|lowest|smallest)",
    "spread": r"spread|standard deviation|range|how much do .{0,40} differ|disagree\w*|uncertainty",
    "farthest": r"worst|farthest|furthest|poorest|least (?:similar|realistic|accurate)|"
    r"(?:largest|highest|greatest|biggest) (?:\w+ )?(?:rmsd?e?|error|bias|difference)",
    "highest": r"(?:which|what|who).{0,40}?(?:more|warmer|wetter|higher|larger|saltier|windier)|(?:warm|wett?|hott?|"
    r"high|larg|salti|windi|rainy?i|great|strong)est|most",
    "lowest": r"(?:which|what|who).{0,40}?(?:less|colder|cooler|drier|lower|smaller|fresher)|(?:cold|dri|cool|low|"
    r"small|fresh|weak)est|least",
    "trend": r"trends?|slopes?|(?:warming|cooling) rates?",
    "trend per decade": r"trends?|(?:per|/)\s?decade|how (?:fast|quickly|rapidly)|shr[aiu]nk\w*|declin\w*|retreat\w*|"
    r"rate of (?:change|loss|decline)|los(?:s|ing|es?)(?= )|slopes?",
    "smallest of the years": r"smallest|minim(?:um|a)|lowest|record low",
    "mean value": r"means?|averaged?|climatolog\w+",
    "extent": r"extents?|sie",
    "area": r"areas?|sia",
    "depth of the maximum": r"(?:which|what) depth|depths?|how deep",
    "planetary albedo": r"(?:planetary |global |toa |earth'?s? )*albedo|reflectivity",
    "net effect": r"net|sw\s?\+\s?lw|lw\s?\+\s?sw|(?:shortwave|sw) (?:and|plus|\+) (?:longwave|lw)|total",
    "shortwave effect": r"short-?\s?wave|sw(?:cr[ef]|cf)?|solar",
    "longwave effect": r"long-?\s?wave|lw(?:cr[ef]|cf)?|olr|thermal|infra-?red|terrestrial",
    "equilibrium sensitivity": r"ecs|(?:equilibrium |effective )*(?:climate )?sensitivit(?:y|ies)",
    "feedback parameter": r"feedback(?: parameter| factor)?|lambda|(?:gregory |regression )slope|slope",
    "radiative forcing": r"(?:effective |radiative )*forcing|i?erf|f_?2x(?:co2)?|f_?4x(?:co2)?",
    "zonal advection": r"zonal(?:ly)?|-?\s?u\s?[*.]?\s?dt\s?/\s?dx|east-?west",
    "meridional advection": r"meridional(?:ly)?|-?\s?v\s?[*.]?\s?dt\s?/\s?dy|north-?south",
    "vertical advection": r"vertical(?:ly)?|upwelling|downwelling|entrain\w*|-?\s?w\s?[*.]?\s?dt\s?/\s?dz",
    "surface heat flux": r"(?:net )?surface (?:heat )?(?:flux|heating|forcing)(?: term)?|hfds|q_?net|"
    r"q(?:_?net)?\s?/\s?\(?\s?(?:rho|ρ)",
    "greenhouse gases": rf"(?:hist-)?ghgs?{_DRIVEN}|greenhouse(?:[\s-]gas(?:es)?)?{_DRIVEN}|co2{_DRIVEN}",
    "aerosols": rf"(?:hist-)?aer(?:osols?)?{_DRIVEN}",
    "natural forcings": rf"(?:hist-)?nat(?:ural)?(?: forcings?)?{_DRIVEN}|naturally{_DRIVEN}|volcan\w+|solar",
    "attributed trend": r"(?:[\w-]+-)?attribut(?:ed|able) (?:[\w~-]+ ){0,3}?(?:trend|warming|cooling|change)|"
    r"(?:trend|warming|cooling|change) (?:[\w~-]+ ){0,3}?(?:attribut(?:ed|able)|due to|caused by|from)|contribut\w+",
    "constrained value": r"constrained|constrain(?= the)|constraint on|best estimate",
    "correlation over models": r"correlat\w+|corr|r(?! exceed| is (?:above|greater|larger)|\s?[<>=≥])|"
    r"how well .{0,80} relate",
    "deepest drought": r"lowest|minim(?:um|a)|worst|most severe|driest",
    "months in drought": r"(?:how many|number of|count(?: of)?|counts? the|frequency of) (?:\w+ )?months|in how many|"
    r"how often|"
    r"months (?:in|with|of) drought",
    "index of the month": r"value (?:in|for|of)|at present|currently|latest|last month",
    "mean index": r"means?|average",
    "per year": r"r\d\d?(?:mm|p)|(?:summer|frost|ice|hot) days|tropical nights|per (?:year|annum)|a year|each year|"
    r"every year|yearly|annual(?:ly)?|(?:mean|average) (?:annual )?(?:number|count)|on average|average|/\s?(?:yr|year)",
    "absolute": r"absolute",
    "warm": r"warm(?:ing)?|el nino|positive",
    "cold": r"cold|cool(?:ing)?|la nina|negative",
    "above": r"above|over|exceed\w*|greater than|more than|warmer than|hotter than|wetter than|at least",
    "below": r"frost|freezing|ice days|below|under|less than|fewer than|colder than|cooler than|drier than|at most",
    "northern": r"north(?:ern)?|arctic",
    "southern": r"south(?:ern)?|antarctic",
}


def found_at(text: Text, slot: Slot) -> Iterator[tuple[str, int, int]]:
    """The choices of a slot that a text names, each with where."""
    for choice in slot.choices:
        yield from ((choice, *m.span()) for m in re.finditer(_pattern(choice), text.plain))


def chosen(text: Text, slot: Slot) -> tuple[str, ...]:
    """The choices of a slot that a text names, in the slot's order; a word within a longer choice does not count."""
    spans = {choice: [m.span() for m in re.finditer(_pattern(choice), text.plain)] for choice in slot.choices}
    return tuple(choice for choice in slot.choices if any(_outermost(span, spans) for span in spans[choice]))


def _pattern(choice: str) -> str:
    words = text_of(choice).plain.replace("_", " ")
    written = r"[\s_-]?".join(map(re.escape, re.split(r"[\s-]+", words)))
    return rf"(?<![\w-])(?:{written}|{_SYNONYMS.get(words, written)})(?![\w-])"


def _outermost(span: tuple[int, int], spans: dict[str, list[tuple[int, int]]]) -> bool:
    start, end = span
    return not any(a <= start and end <= b and (a, b) != span for others in spans.values() for a, b in others)
