"""The tokens of the Penn Treebank, in lower case and without punctuation, by which captions are compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pycocoevalcap.tokenizer import ptbtokenizer

from tellurion_benchmark.metrics import java

JAR = Path(ptbtokenizer.__file__).with_name(ptbtokenizer.STANFORD_CORENLP_3_4_1_JAR)
PROGRAM = (
    *("-cp", str(JAR), "edu.stanford.nlp.process.PTBTokenizer"),
    *("-preserveLines", "-lowerCase", "-encoding", "UTF-8"),
)
SECONDS = 300.0
"""For all texts: it reads megabytes in one."""
PUNCTUATION = frozenset(ptbtokenizer.PUNCTUATIONS)
"""In capitals as there: brackets, which are `-lrb-` and the like by then, stay among the tokens."""


def tokens(texts: Sequence[str]) -> list[str]:
    """Each text's tokens, between single spaces.

    It is pycocoevalcap's tokenizer called with each text in one line: pycocoevalcap writes into its own folder, and
    shifts all further texts when one has a line end that it does not know, such as U+2028. Raises JavaFailed.
    """
    lines = java.answers("PTBTokenizer", PROGRAM, [" ".join(text.split()) for text in texts], seconds=SECONDS)
    return [" ".join(word for word in line.split() if word not in PUNCTUATION) for line in lines]
