"""A recipe of ESMValTool as its file has it: diagnostics, their variables, and what is done to each.

The format is ESMValCore's (Righi et al., 2020, Geosci. Model Dev., 13, 1179–1199, and its documentation of recipes).
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tellurion_core.errors import InvalidInput

MOST_BYTES = 512 * 1024
"""The largest public recipe has about half."""
MOST_VARIABLES = 1000
MOST_DATASETS = 500
MOST_MERGED = 1000
"""Keys of one mapping after those of others were merged into it."""
WORDS = 200
"""Characters that are kept of a text."""
Facets = Mapping[str, Any]


@dataclass(frozen=True)
class Variable:
    """One variable of one diagnostic."""

    diagnostic: str
    group: str
    """Its name in the diagnostic: ``tas_global``."""
    short_name: str
    mip: str
    """Table of CMIP: ``Amon``, ``Omon``."""
    steps: Mapping[str, Facets]
    """What its preprocessor does, by ESMValCore's name of the function."""
    datasets: tuple[Facets, ...]
    """Each with the facets of the variable, where it has none of its own."""
    scripts: tuple[Facets, ...]
    """Those of the diagnostic, with their settings."""


@dataclass(frozen=True)
class RecipeFile:
    """What one file says."""

    name: str
    """Of the file, without what follows its dot."""
    title: str
    variables: tuple[Variable, ...]


def read(name: str, content: bytes) -> RecipeFile:
    """The recipe in a file's content. Raises InvalidInput where it is none, or too large."""
    if len(content) > MOST_BYTES:
        raise InvalidInput.of("content", received=f"{len(content)} bytes", accepted=f"at most {MOST_BYTES}")
    try:
        whole = _mapping(_Loader(content).get_single_data())
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        where = "" if line is None else f", at line {line + 1}"
        raise InvalidInput.of("content", received=f"no YAML{where}", accepted="a recipe of ESMValTool") from None
    diagnostics = _mapping(whole.get("diagnostics"))
    if not diagnostics:
        raise InvalidInput.of("content", received="no diagnostics", accepted="a recipe of ESMValTool")
    variables: list[Variable] = []
    for variable in _variables(whole, diagnostics):
        if len(variables) == MOST_VARIABLES:
            raise InvalidInput.of(
                "content", received=f"more than {MOST_VARIABLES} variables", accepted=f"at most {MOST_VARIABLES}"
            )
        variables.append(variable)
    title = word(_mapping(whole.get("documentation")).get("title"))
    return RecipeFile(name.rpartition("/")[2].partition(".")[0], title, tuple(variables))


def word(value: Any) -> str:
    """A simple value in a line, cut where it is long; nothing of a list or a mapping, which may be endless."""
    if not isinstance(value, str | float) and not (isinstance(value, int) and abs(value) < 1e18):
        return ""
    line = " ".join(str(value).split())
    return "".join(letter if letter.isprintable() else "?" for letter in line[:WORDS])


def _variables(whole: Facets, diagnostics: Facets) -> Iterator[Variable]:
    preprocessors = {word(name): _mapping(steps) for name, steps in _mapping(whole.get("preprocessors")).items()}
    for diagnostic, content in diagnostics.items():
        content = _mapping(content)
        scripts = tuple(map(_mapping, _mapping(content.get("scripts")).values()))
        for group, facets in _mapping(content.get("variables")).items():
            facets = _mapping(facets)
            steps = preprocessors.get(word(facets.get("preprocessor")), {})
            listed = (whole.get("datasets"), content.get("additional_datasets"), facets.get("additional_datasets"))
            datasets = tuple(ChainMap(_mapping(each), facets) for some in listed for each in _list(some))
            if len(datasets) > MOST_DATASETS:
                raise InvalidInput.of(
                    "content",
                    received=f"{len(datasets)} data sets of one variable",
                    accepted=f"at most {MOST_DATASETS}",
                )
            yield Variable(
                diagnostic=word(diagnostic),
                group=word(group),
                short_name=word(facets.get("short_name", group)),
                mip=word(facets.get("mip")),
                # False instead of options takes a step back out of a preprocessor that was merged in.
                steps={word(name): _mapping(options) for name, options in steps.items() if options is not False},
                datasets=datasets,
                scripts=scripts,
            )


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


class _Loader(yaml.SafeLoader):
    """YAML of simple types, in which merging cannot make much of little."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """See SafeConstructor."""
        own = len(node.value)
        super().flatten_mapping(node)
        if len(node.value) > max(own, MOST_MERGED):
            raise yaml.constructor.ConstructorError(problem="too much is merged", problem_mark=node.start_mark)
