"""Requests for what the platform's other services do: recognised, and made plans of where the service is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tellurion_agent.capabilities.capability import Capability
from tellurion_agent.capabilities.registry import CAPABILITIES
from tellurion_agent.planning.conversation import Tool
from tellurion_agent.planning.plan import Abstain, Clarify, Context, Plans, ServicePlan
from tellurion_agent.planning.request_files import Chosen, Listing, choose, words

Missing = Callable[[str], str]
"""From a service's name to why it cannot be called; empty where it can."""
Lists = Callable[[], Listing]
"""The files of a request's data, looked for when they are needed."""
REQUEST, UNCLEAR = "request", "unclear"


class Offers:
    """Of the services, to one request."""

    def __init__(self, lists: Lists, missing: Missing) -> None:
        self._lists = lists
        self._missing = missing

    def plan(self, request: str, context: Context) -> Plans | Clarify | Abstain | None:
        """What to do about a request; None where it is for none of the services.

        Raises InvalidInput where the data are too many files.
        """
        asked = recognised(request)
        if len(asked) > 1:
            options = tuple(each.title for each in asked)
            return Clarify(f"Which is meant: {'; or: '.join(options)}?", "recipe", options)
        if asked:
            return self._planned(asked[0], request)
        if (before := CAPABILITIES.get(context.recipe)) is None:
            return None
        found = self._planned(before, f"{context.slots[REQUEST]} {request}")
        went_on = isinstance(found, Clarify) and found.unclear != context.slots[UNCLEAR]
        return found if isinstance(found, Plans) or went_on else None

    def filled(self, capability: Capability, given: Mapping[str, str]) -> Plans | Clarify | Abstain:
        """The plan of a capability whose files and options somebody has said in words, each by itself."""
        files = " ".join(f"{each.name} {given[each.name]}" for each in capability.inputs if each.name in given)
        return self._planned(capability, files, given)

    def tools(self) -> list[Tool]:
        """Those that can be had now, as functions for a language model."""
        missing = {service: self._missing(service) for service in {each.service for each in CAPABILITIES.values()}}
        return [_tool(each) for each in CAPABILITIES.values() if not missing[each.service]]

    def _planned(
        self, capability: Capability, request: str, given: Mapping[str, str] | None = None
    ) -> Plans | Clarify | Abstain:
        if why := self._missing(capability.service):
            return Abstain(f"“{capability.title}” needs the {capability.service} service: {why}.", final=True)
        chosen = choose(capability.inputs, request, self._lists()) if capability.inputs else Chosen({}, {})
        if not isinstance(chosen, Chosen):
            return _asking(chosen, capability, request)
        names = {path.name for paths in chosen.files.values() for path in paths}
        rest = " ".join(word for word in words(request) if word.rpartition("/")[2] not in names).lower()
        options: dict[str, Any] = {}
        assumptions = dict(chosen.assumptions)
        for option in capability.options:
            value = option.read(rest if given is None else str(given.get(option.name, "")).lower())
            if value is None and option.required:
                return _asking(Clarify(option.question, option.name), capability, request)
            if value is None and option.default is not None:
                value, assumptions[option.name] = option.default, f"{option.name} is {option.default}: none was said."
            if value is not None:
                options[option.name] = value
        return Plans((ServicePlan(capability, options, chosen.files, assumptions),))


def recognised(request: str) -> list[Capability]:
    """What a request asks for, of all that services can do."""
    plain = " ".join(request.lower().split())
    titled = [each for each in CAPABILITIES.values() if each.title.lower() == plain.strip(" .")]
    return titled or [each for each in CAPABILITIES.values() if all(re.search(pattern, plain) for pattern in each.asks)]


def for_recipes(context: Context) -> Context:
    """What was said before, as far as it is about recipes."""
    return Context(preferred=context.preferred) if context.recipe in CAPABILITIES else context


def _asking(found: Clarify | Abstain, capability: Capability, request: str) -> Clarify | Abstain:
    """A question back, with what an answer to it is understood by."""
    if isinstance(found, Abstain):
        return Abstain(found.reason, final=True)
    said = Context(capability.name, {REQUEST: request, UNCLEAR: found.unclear})
    return Clarify(found.question, found.unclear, found.options, said)


def tool_name(capability: Capability) -> str:
    """As endpoints accept names of functions."""
    return capability.name.replace(".", "_")


def _tool(capability: Capability) -> Tool:
    """A capability as a function: files and options are said in words."""
    files = {each.name: (f"Name of {each.what}.", not each.optional) for each in capability.inputs}
    options = {each.name: (each.question, each.required) for each in capability.options}
    properties = {name: {"type": "string", "description": told} for name, (told, _) in {**files, **options}.items()}
    required = [name for name, (_, needed) in {**files, **options}.items() if needed]
    schema = {"type": "object", "properties": properties, "required": required}
    description = f"{capability.title}. {capability.phrases[0]}"
    return {"name": tool_name(capability), "description": description, "parameters": schema}
