"""Which HTTP method and path each RPC has, by Google's API improvement proposals (AIP-131 to 136).

ListRuns       GET    /v1/agent/runs
GetRun         GET    /v1/agent/runs/{run}
CreateX        POST   /v1/benchmark/evaluations
DeleteX        DELETE /v1/ocean/operations/{operation}
VerbNoun       POST   /v1/ocean/operations/{operation}:cancel, or /v1/benchmark/reports:compare of no one in particular
Verb           POST   /v1/splat:fit
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from tellurion_gateway.upstreams import METHODS

_WORDS = re.compile(r"([A-Z][a-z0-9]*)(\w*)")
_STANDARD = {"List": "GET", "Get": "GET", "Create": "POST", "Delete": "DELETE"}
_NAMES = {
    "name": "{service}/operations/{id}",
    "operation": "{service}/operations/{id}",
    "run": "{service}/runs/{id}",
    "id": "{id}",
}
"""Fields that say which resource is meant, and the name in them that the `{id}` of a path stands for."""
_ELSEWHERE = {"ChoosePlan": ("choosePlan", "Run"), "WatchJob": ("watch", "Operation")}
"""Verb and noun of methods that are about another resource than their name says."""
_WRITTEN_OUT = frozenset(
    f"tellurion.ocean.v1.OceanService/{name}" for name in ("ListMethods", "Reconstruct", "Evaluate")
)
"""Methods with a route of their own, which takes and answers NetCDF."""


@dataclass(frozen=True)
class Binding:
    """One RPC on its path."""

    service: str
    """Short name of the service: `ocean`."""
    method: MethodDescriptor
    """The RPC."""
    verb: str
    """HTTP method."""
    path: str
    """With a variable at most: `/v1/ocean/operations/{operation}:cancel`."""
    field: str | None = None
    """Field of the request that the path fills."""
    variable: str | None = None
    """Variable of the path."""
    name: str = ""
    """What the path fills it with; `{id}` is the variable's value."""

    @property
    def call(self) -> str:
        """`package.Service/Method`."""
        return f"{self.method.containing_service.full_name}/{self.method.name}"

    @property
    def in_query(self) -> bool:
        """Whether the rest of the request is in the query, not in a body."""
        return self.verb in ("GET", "DELETE")

    @cached_property
    def has_body(self) -> bool:
        """Whether there is anything for a body to say."""
        return not self.in_query and {field.name for field in self.method.input_type.fields} != {self.field}

    def filled(self, value: str) -> str:
        """The field of the request for this value of the variable."""
        return self.name.format(service=self.service, id=value)


def bindings(services: tuple[str, ...]) -> list[Binding]:
    """The bindings of these services, those on one resource before that of the resource, which would match them too."""
    found = [
        _binding(service, method)
        for service in services
        for call, method in _methods(service)
        if call not in _WRITTEN_OUT
    ]
    return sorted(found, key=lambda binding: (binding.path.partition("{")[0], -binding.path.count(":")))


def _methods(service: str) -> Iterator[tuple[str, MethodDescriptor]]:
    """The service's own methods, and those of long work and its files where it has such work."""
    own = f"tellurion.{service}."
    long_work = any(
        call.startswith(own) and "operation" in method.output_type.fields_by_name
        for call, method in METHODS[service].items()
    )
    return ((call, method) for call, method in METHODS[service].items() if long_work or call.startswith(own))


def _binding(service: str, method: MethodDescriptor) -> Binding:
    words = _WORDS.fullmatch(method.name)
    assert words is not None
    verb, noun = _ELSEWHERE.get(method.name, (words[1], words[2]))
    root = f"/v1/{service}"
    if not noun:
        return Binding(service, method, "POST", f"{root}:{_camel(verb)}")
    singular = _camel(noun.removesuffix("s"))
    path = f"{root}/{singular}s"
    standard = _STANDARD.get(verb)
    custom = "" if standard else f":{_camel(verb)}"
    if verb in ("List", "Create"):
        if verb == "List" and not _flat(method.input_type):
            return Binding(service, method, "POST", f"{path}:list")
        of = {"field": "name", "name": "{service}"} if "name" in method.input_type.fields_by_name else {}
        return Binding(service, method, standard or "POST", path, **of)
    field = next((name for name in _NAMES if name in method.input_type.fields_by_name), None)
    if field is None:
        # What there is only one of has no collection.
        return Binding(service, method, standard or "POST", f"{path}{custom}" if custom else f"{root}/{singular}")
    reads = method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS and _flat(method.input_type)
    http = standard or ("GET" if reads else "POST")
    return Binding(service, method, http, f"{path}/{{{singular}}}{custom}", field, singular, _NAMES[field])


def _flat(kind: Descriptor) -> bool:
    """Whether a request can be told by a query."""
    return all(field.message_type is None for field in kind.fields)


def _camel(word: str) -> str:
    return word[0].lower() + word[1:]
