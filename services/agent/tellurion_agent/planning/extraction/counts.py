"""Numbers that are written as words."""

from __future__ import annotations

WORDS = {
    word: number
    for number, words in {
        1: "one a an",
        2: "two couple",
        3: "three",
        4: "four",
        5: "five",
        6: "six",
        7: "seven",
        8: "eight",
        9: "nine",
        10: "ten",
        11: "eleven",
        12: "twelve",
        15: "fifteen",
        20: "twenty",
        24: "twenty-four",
        25: "twenty-five",
        30: "thirty",
        40: "forty",
        50: "fifty",
        60: "sixty",
        100: "hundred",
    }.items()
    for word in words.split()
}
COUNT = r"(?:\d+(?:\.\d+)?|" + "|".join(sorted(WORDS, key=len, reverse=True)) + ")"
"""Pattern of a number, in figures or words."""


def counted(word: str) -> float:
    """The number that a match of `COUNT` means."""
    return float(WORDS[word]) if word in WORDS else float(word)
