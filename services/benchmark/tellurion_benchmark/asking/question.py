"""One question to one model: what tells it from all others, and how it is written on the wire."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from tellurion_benchmark.media import FORMATS
from tellurion_benchmark.scoring import Message
from tellurion_core.endpoints.troubles import Refused

MOST_IMAGE_BYTES = 64 << 20
"""Of all images of one question."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked."""

    role: str
    """`model` or `judge`."""
    model: str
    """Name of the model."""
    prompt_version: str = ""
    """Of the judge's prompts; empty where the question alone says everything."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float
    sample: int

    @property
    def images(self) -> tuple[Path, ...]:
        """All that are shown."""
        return tuple(image for message in self.messages for image in message.images)

    def image_bytes(self) -> int:
        """How large its images are together.

        Raises:
            Refused: they are too large, or one of them cannot be read.
        """
        try:
            size = sum(image.stat().st_size for image in self.images)
        except OSError:
            raise Refused("an image cannot be read") from None
        if size > MOST_IMAGE_BYTES:
            raise Refused(f"the question's images have more than {MOST_IMAGE_BYTES >> 20} MiB together")
        return size

    def key(self, asked: Asked) -> bytes:
        """SHA-256 of everything that an answer depends on; images count by their bytes. Reads them."""
        said = [(m.role, m.text, [_sha256(image) for image in m.images]) for m in self.messages]
        parts = (asked.role, asked.model, asked.prompt_version, said, self.max_tokens, self.temperature, self.sample)
        return hashlib.sha256(json.dumps(parts).encode()).digest()

    def body(self, model: str) -> bytes:
        """The request for a chat completion, JSON. Reads the images.

        Raises:
            Refused: an image cannot be read.
        """
        request: dict[str, Any] = {
            "model": model,
            "messages": [{"role": message.role, "content": _content(message)} for message in self.messages],
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
        }
        if self.temperature > 0:
            request["seed"] = self.sample
        return json.dumps(request).encode()


def _content(message: Message) -> str | list[dict[str, Any]]:
    if not message.images:
        return message.text
    shown = [{"type": "image_url", "image_url": {"url": _data_url(image)}} for image in message.images]
    return [*shown, {"type": "text", "text": message.text}]


def _data_url(path: Path) -> str:
    try:
        with Image.open(path, formats=FORMATS) as image:
            media_type = image.get_format_mimetype()
    except (OSError, Image.DecompressionBombError):
        raise Refused("an image cannot be read") from None
    return f"data:{media_type};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
