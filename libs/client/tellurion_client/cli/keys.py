"""`tellurion keys …`: API keys of a platform, on its state folder and its database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tellurion_client.cli.platform import JsonOption, StateOption, state_folder

if TYPE_CHECKING:
    from datetime import datetime

    from tellurion_core.identity.api_keys import ApiKey, ApiKeys
    from tellurion_core.identity.audit import AuditLog

app = typer.Typer(
    name="keys",
    no_args_is_help=True,
    help="Create, list and revoke the API keys of a gateway that runs with a pepper, $TELLURION_KEY_PEPPER.",
    epilog="Example: tellurion keys create --tenant navy --subject ferdinand",
)

TenantOption = Annotated[str, typer.Option(metavar="T", help="Tenant whose data the key opens.")]


@app.command(epilog="Example: tellurion keys create --tenant navy --subject ci --role viewer --days 90")
def create(
    tenant: TenantOption,
    subject: Annotated[str, typer.Option(metavar="WHO", help="Who calls with it, for logs.")],
    role: Annotated[str, typer.Option(metavar="R", help="viewer, user or admin.")] = "user",
    scopes: Annotated[
        str, typer.Option(metavar="A,B", help="Services that it may call, `artifacts` for files; * for all.")
    ] = "*",
    days: Annotated[float | None, typer.Option(metavar="D", help="Days until it expires; never by default.")] = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create a key, and print it: it is kept nowhere, and cannot be had again."""
    from tellurion_client.cli import display
    from tellurion_core.identity.roles import Role

    with _opened(state) as (keys, audit):
        names = [name.strip() for name in scopes.split(",")]
        made, key = keys.create(tenant, subject, Role.named(role), names, days)
        _record(audit, f"keys create {made.prefix}")
    if as_json:
        display.json_line({**_document(made), "key": key})
    else:
        display.line(key)


@app.command("list", epilog="Example: tellurion keys list --tenant navy")
def list_(
    tenant: Annotated[str | None, typer.Option(metavar="T", help="Keys of this tenant only.")] = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """List keys, by their prefixes; expired and revoked ones too."""
    from tellurion_client.cli import display

    with _opened(state) as (keys, _):
        documents = [_document(key) for key in keys.list(tenant)]
    if as_json:
        display.json_line(documents)
    else:
        columns = ["prefix", "tenant", "subject", "role", "scopes", "created", "expires", "revoked", "used"]
        rows = [[_cell(document[column]) for column in columns] for document in documents]
        display.table("API keys", columns, rows)


@app.command(epilog="Example: tellurion keys revoke 3f2a9c1e")
def revoke(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="The eight characters after tell_.")],
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a key; gateways notice within a second."""
    from tellurion_client.cli import display

    with _opened(state) as (keys, audit):
        keys.revoke(prefix)
        _record(audit, f"keys revoke {prefix}")
    if as_json:
        display.json_line({"revoked": prefix})
    else:
        display.line(f"revoked {prefix}")


@contextmanager
def _opened(state: Path | None) -> Iterator[tuple[ApiKeys, AuditLog]]:
    """The keys and the audit log of a platform, as its gateway has them.

    Raises:
        InvalidInput: a setting cannot be used, or there is no pepper.
        Unavailable: the database cannot be reached, or what asks it is not installed.
    """
    from tellurion_core.errors import InvalidInput, Unavailable
    from tellurion_core.settings import StateSettings, load

    try:
        from tellurion_core.identity.api_keys import ApiKeys, read_pepper
        from tellurion_core.jobs.database import open_engine
    except ImportError:
        raise Unavailable("keys need tellurion-gateway, which is not installed here") from None
    from tellurion_core.identity.audit import AuditLog
    from tellurion_core.identity.settings import KeySettings
    from tellurion_core.jobs.settings import JobSettings

    settings = load(KeySettings)
    if settings.key_pepper is None:
        accepted = "the file that the gateway has its pepper in, of 32 random bytes or more"
        raise InvalidInput.of("TELLURION_KEY_PEPPER", received="nothing", accepted=accepted)
    folder = state_folder(state)
    place = load(StateSettings).model_copy(update={"state": folder})
    engine = open_engine(load(JobSettings).database_url(place))
    audit = AuditLog(settings.audit_log or folder / "audit.jsonl")
    try:
        yield ApiKeys(engine, read_pepper(settings.key_pepper)), audit
    finally:
        audit.close()
        engine.dispose()


def _record(audit: AuditLog, what: str) -> None:
    from getpass import getuser

    from tellurion_core.call import Identity

    audit.record(what, Identity("local", getuser()), "done")


def _document(key: ApiKey) -> dict[str, Any]:
    who = key.identity
    moments = {name: _moment(getattr(key, name)) for name in ("created", "expires", "revoked", "used")}
    about = {"prefix": key.prefix, "tenant": who.tenant, "subject": who.subject, "role": str(who.role)}
    return {**about, "scopes": sorted(who.scopes), **moments}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


def _cell(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else value or "–"
