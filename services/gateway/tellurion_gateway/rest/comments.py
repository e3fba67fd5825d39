"""What the protos say of services' methods, messages and fields, by full name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet


@cache
def comments() -> Mapping[str, str]:
    """Comments by the full name of what they are about."""
    protos = FileDescriptorSet.FromString((files("tellurion.common.v1") / "protos.binpb").read_bytes())
    return dict(comment for file in protos.file for comment in _of_file(file))


def _of_file(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    for location in file.source_code_info.location:
        if location.leading_comments:
            yield _name(file, location.path), " ".join(location.leading_comments.split())


def _name(file: FileDescriptorProto, path: Iterable[int]) -> str:
    """The full name of what a path of field numbers and indices leads to."""
    found: Any = file
    name = file.package
    numbers = iter(path)
    for number in numbers:
        field = found.DESCRIPTOR.fields_by_number[number]
        index = next(numbers, None)
        if index is None or not field.is_repeated:
            return f"{name}#{field.name}"
        found = getattr(found, field.name)[index]
        name = f"{name}.{found.name}" if hasattr(found, "name") else name
    return name
