"""Entity tags (RFC 9110, section 8.8.3)."""

from __future__ import annotations


def names(header: str, tag: str) -> bool:
    """Whether an `If-None-Match` names the answer of this tag; weak tags count (RFC 9110, section 13.1.2)."""
    tags = {part.strip().removeprefix("W/") for part in header.split(",")}
    return tag in tags or "*" in tags
