"""The report of a run for people: one page of HTML that needs nothing beside it, and Markdown.

Whatever a question, a file or a script says is shown as text: the page runs no script and loads nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tellurion_agent.report.record import Record

FILES_SHOWN = 20
"""Of one data set."""
DIGITS = 6
"""Significant ones."""


def html(record: Record, figure: bytes | None) -> str:
    """The page, with the figure in it."""
    style = _source("report.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    shown = None if figure is None else base64.b64encode(figure).decode()
    template = _environment(escaped=True).from_string(_source("report.html.j2"))
    return template.render(**_of(record), figure=shown, style=Markup(style), style_hash=f"sha256-{digest}")  # noqa: S704 -- ours


def markdown(record: Record, *, figure: bool) -> str:
    """The same as Markdown; the figure is figure.png beside it."""
    return _environment(escaped=False).from_string(_source("report.md.j2")).render(**_of(record), figure=figure)


def _of(record: Record) -> Mapping[str, Any]:
    return {"record": record, "files_shown": FILES_SHOWN}


def _environment(*, escaped: bool) -> Environment:
    environment = Environment(autoescape=escaped, undefined=StrictUndefined, trim_blocks=True)  # noqa: S701 -- Markdown
    environment.filters |= {"number": _number, "fenced": _fenced}
    if not escaped:
        environment.finalize = _one_line
    return environment


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.{DIGITS}g}".replace("-", "−")


def _fenced(script: str) -> Markup:
    """Text that stands in a fence as it is, and cannot end it."""
    return Markup(script.replace("```", "` ` `"))  # noqa: S704 -- of Markdown


def _one_line(value: Any) -> Any:
    """Text of others cannot begin a heading, a table's cell, a link or markup of its own."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return " ".join(value.split()).replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[")


def _source(name: str) -> str:
    return files("tellurion_agent.report").joinpath(name).read_text(encoding="utf-8")
