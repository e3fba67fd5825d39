"""Provenance of a run as W3C PROV: which data and which script the results came from, by whom."""

from __future__ import annotations

from hashlib import sha256

from prov.model import PROV, ProvDocument

from tellurion_agent.report.record import File, Record

NAMESPACE = "urn:tellurion:"


def provenance(record: Record, *, requester: str) -> str:
    """PROV-JSON of a record.

    Source: W3C PROV-DM (2013); the PROV-JSON serialisation (2013 submission).
    """
    document = ProvDocument()
    document.add_namespace("tellurion", NAMESPACE)
    document.add_namespace("sha256", "urn:sha256:")
    packages = record.environment["packages"]
    person = document.agent("tellurion:requester", {PROV["type"]: PROV["Person"], "tellurion:subject": requester})
    software = document.agent(
        "tellurion:agent",
        {PROV["type"]: PROV["SoftwareAgent"], "tellurion:version": packages.get("tellurion-agent", "")},
    )
    analysis = document.activity(
        f"tellurion:{record.run.replace('/', '-')}",
        startTime=record.steps[0]["began"],
        endTime=record.created,
        other_attributes={
            PROV["label"]: record.title,
            "tellurion:question": record.question,
            "tellurion:recipe": record.recipe,
            "tellurion:python": record.environment["python"],
        },
    )
    document.wasAssociatedWith(analysis, software, plan=_script(document, record.script) if record.script else None)
    document.actedOnBehalfOf(software, person)
    for each in record.services:
        described = {f"tellurion:{name}": value for name, value in each.items() if name != "service"}
        kind = {PROV["type"]: PROV["SoftwareAgent"]}
        service = document.agent(f"tellurion:service-{each['service']}", {**kind, **described})
        document.wasAssociatedWith(analysis, service)
        document.actedOnBehalfOf(service, person)
    inputs = [(source.role, file) for source in record.sources for file in source.files]
    used = {file.sha256: _entity(document, file, role) for role, file in inputs}
    for entity in used.values():
        document.used(analysis, entity)
    for file in record.results:
        result = _entity(document, file, "result")
        document.wasGeneratedBy(result, analysis)
        for entity in used.values():
            document.wasDerivedFrom(result, entity)
    text: str = document.serialize(format="json")
    return text


def _script(document: ProvDocument, text: str) -> object:
    """The plan that the analysis followed."""
    attributes = {PROV["type"]: PROV["Plan"], PROV["label"]: "script.py"}
    return document.entity(f"sha256:{sha256(text.encode()).hexdigest()}", attributes)


def _entity(document: ProvDocument, file: File, role: str) -> object:
    attributes = {PROV["label"]: file.name, "tellurion:bytes": file.bytes, "tellurion:role": role}
    return document.entity(f"sha256:{file.sha256}", attributes)
