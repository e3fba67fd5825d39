"""The Java programs that come with pycocoevalcap: text in, text out, a line for a line."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

MEMORY = "1g"
"""Largest heap: METEOR's paraphrases take most of it."""


class JavaFailed(Exception):
    """A program did not answer each line with a line; the message says what it did instead."""


def unavailable() -> str | None:
    """Why no Java program can run here; None where one can."""
    return "Java is not on PATH (Debian: default-jre-headless)" if shutil.which("java") is None else None


def answers(name: str, program: Sequence[str], lines: Sequence[str], *, seconds: float) -> list[str]:
    """What a program writes to these lines, which hold no line end; errors call it by its name.

    Raises:
        JavaFailed: it ended badly, took longer than these seconds, or wrote more or fewer lines.
    """
    # UTF-8 and no file in /tmp, whatever the machine's locale is and the disk allows.
    command = ["java", f"-Xmx{MEMORY}", "-Dfile.encoding=UTF-8", "-XX:-UsePerfData", *program]
    text = "".join(f"{line}\n" for line in lines).encode(errors="replace")
    try:
        ended = subprocess.run(
            command, input=text, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise JavaFailed(f"{name} took longer than {seconds:g} s") from None
    except OSError:
        raise JavaFailed(f"{name} could not be started") from None
    written = ended.stdout.decode(errors="replace").split("\n")
    if ended.returncode or len(written) != len(lines) + 1:
        raise JavaFailed(f"{name} ended with status {ended.returncode} after {len(written) - 1} of {len(lines)} lines")
    return written[:-1]
