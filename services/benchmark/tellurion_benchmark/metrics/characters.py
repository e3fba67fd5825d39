"""Chinese and Japanese text has no spaces: each of its characters is taken for a word."""

from __future__ import annotations

import re

CHARACTER = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f])")
"""Kana and Han, as a group: splitting by it keeps them."""


def characters_apart(text: str) -> str:
    """The text with spaces around each of these characters."""
    return CHARACTER.sub(r" \1 ", text)
