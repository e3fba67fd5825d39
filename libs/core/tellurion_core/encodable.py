"""Texts that files, databases and other programs can hold."""

from __future__ import annotations


def encodable(text: str) -> str:
    """The text with halves of surrogate pairs, which JSON's escapes can say and no file can hold, replaced."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
