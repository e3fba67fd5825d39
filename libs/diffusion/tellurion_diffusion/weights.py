"""Weights files: safetensors with the spec and the model card as JSON in the metadata.

    spec   what the tensors mean: what the network is built from
    card   where they come from: data, seed, command, scores

A file may come from anybody: sizes, types, names, shapes and values are checked before they are used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from tellurion_core.errors import DataCorrupted, InvalidInput
from tellurion_core.weights import checked_metadata
from tellurion_core.whole_files import placed

LARGEST_FILE = 1 << 30
"""Bytes that a weights file may have; 160 million parameters in float32 are 0.64 GB."""
MOST_TENSORS = 100_000
FLOATS = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
"""The types that weights have, and their names in the file."""


def save(
    path: Path,
    module: nn.Module | Mapping[str, Tensor],
    spec: Mapping[str, Any],
    card: Mapping[str, Any],
    *,
    half: bool = False,
) -> None:
    """Writes the tensors of a module, or those given by name; the same input gives the same bytes.

    `half` stores them in float16, half the size. The file is written whole or not at all.

    Raises InvalidInput when a value is not finite, or would not be in float16, or has no floating type.
    """
    tensors = dict(module.state_dict()) if isinstance(module, nn.Module) else dict(module)
    stored: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        stored[name] = tensor.detach().cpu().to(torch.float16 if half else tensor.dtype).contiguous()
        if tensor.dtype not in FLOATS or not bool(torch.isfinite(stored[name]).all()):
            accepted = "finite floating-point values" + (" within ±65504" if half else "")
            raise InvalidInput.of(f"weights.{name}", received=f"{tensor.dtype}", accepted=accepted)
    metadata = {"spec": json.dumps(spec, sort_keys=True), "card": json.dumps(card, sort_keys=True)}
    with placed(path) as place, place.open("wb") as file:
        _write(file, stored, metadata)


def load(
    path: Path, *, spec: Mapping[str, Any] | None = None, largest: int = LARGEST_FILE
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors by name, on the CPU as float32, and the spec: the file's own, or `spec` if given.

    Raises:
        InvalidInput: too large, not a whole safetensors file, without a spec, or of types that are no weights.
        DataCorrupted: with values that are not finite.
    """
    tensors: dict[str, Tensor] = {}
    metadata = _checked(path, largest)
    meaning = _json(metadata, "spec", path) if spec is None else dict(spec)
    try:
        opened = safe_open(path, framework="pt", device="cpu")
    except SafetensorError as error:
        raise _refused(path, str(error), "a whole safetensors file") from error
    with opened as file:
        names = file.keys()
        if not 0 < len(names) <= MOST_TENSORS:
            raise _refused(path, f"{len(names)} tensors", f"1 to {MOST_TENSORS} tensors")
        for name in names:
            kind = file.get_slice(name).get_dtype()
            if kind not in FLOATS.values():
                raise _refused(path, f"{name} of type {kind}", f"tensors of {', '.join(FLOATS.values())}")
            tensor = file.get_tensor(name).float()
            if not bool(torch.isfinite(tensor).all()):
                raise DataCorrupted(f"weights {path.name}: {name} has values that are not finite as float32")
            tensors[name] = tensor
    return tensors, meaning


def card(path: Path) -> dict[str, Any]:
    """The model card of a weights file; no tensor is read. Raises what `load` raises."""
    return _json(_checked(path, LARGEST_FILE), "card", path)


def fill(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Sets the module's tensors to these, once names and shapes are seen to be exactly its own.

    A module built on the meta device, where a spec costs no memory whatever it claims, is given some only then, on the
    CPU; all that it needs must be in its state.

    Raises InvalidInput naming the first that is missing, unknown or of another shape; the module is then unchanged.
    """
    ours = module.state_dict()
    for name in [*ours, *tensors]:
        expected = f"shape {list(ours[name].shape)}" if name in ours else "no such tensor"
        received = f"shape {list(tensors[name].shape)}" if name in tensors else "no such tensor"
        if expected != received:
            raise InvalidInput.of(f"weights.{name}", received=received, accepted=f"{expected}, as the spec says")
    built = not any(tensor.is_meta for tensor in ours.values())
    module.load_state_dict(dict(tensors), assign=not built)


def sha256(path: Path) -> str:
    """Lower-case hexadecimal SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(file: IO[bytes], tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Writes the format itself: the library puts metadata in another order every time."""
    header: dict[str, Any] = {"__metadata__": metadata}
    # Widest first, so that every tensor is aligned.
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))
    end = 0
    for name, tensor in ordered:
        begin, end = end, end + tensor.nbytes
        header[name] = {"dtype": FLOATS[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for _, tensor in ordered:
        file.write(tensor.reshape(-1).view(torch.uint8).numpy().data)


def _checked(path: Path, largest: int) -> Mapping[str, str]:
    """The metadata, once the header is seen to be bearable and to describe the file."""
    if (size := path.stat().st_size) > largest:
        raise _refused(path, f"{size} bytes", f"at most {largest} bytes")
    return checked_metadata(path)


def _json(metadata: Mapping[str, str], key: str, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(metadata[key])
    except (KeyError, ValueError, RecursionError) as error:
        raise _refused(path, f"no {key} as JSON", f"metadata {key!r} that holds a JSON object") from error
    if not isinstance(value, dict):
        raise _refused(path, f"{key} {value!r}", f"metadata {key!r} that holds a JSON object")
    return value


def _refused(path: Path, received: str, accepted: str) -> InvalidInput:
    return InvalidInput.of(f"weights {path.name}", received=received, accepted=accepted)
