"""`tellurion keys …`: API keys for those who come through a gateway."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tellurion_client.cli.platform import JsonOption, StateOption, state_folder

if TYPE_CHECKING:
    from tellurion_core.identity.api_keys import ApiKeys

app = typer.Typer(
    name="keys",
    no_args_is_help=True,
    help="Make, list and revoke API keys for those who come through a gateway.",
    epilog="Example: tellurion keys create --tenant navy --subject ann --days 90",
)

PEPPER = "api-keys.pepper"
"""File of the pepper in a state folder, where $TELLURION_API_KEY_PEPPER names no other."""


@app.command(epilog="Example: tellurion keys create --tenant navy --subject ann --role viewer --scope ocean --days 90")
def create(
    tenant: Annotated[str, typer.Option(metavar="NAME", help="Whose files and work its bearer has.")],
    subject: Annotated[str, typer.Option(metavar="NAME", help="Who bears it, for logs.")],
    role: Annotated[Literal["viewer", "user", "admin"], typer.Option(help="What its bearer may do.")] = "user",
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVICE", help="A service that it is for; once for each; all by default."),
    ] = None,
    days: Annotated[float | None, typer.Option(help="How long it is good for; until it is revoked by default.")] = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it; it is kept nowhere and cannot be shown again."""
    from tellurion_client.cli import display
    from tellurion_core.identity.roles import ROLES

    seconds = None if days is None else days * 86400
    key = _keys(state).create(tenant, subject, ROLES[role], scope or ("*",), seconds)
    display.json_line({"key": key}) if as_json else display.line(key)


@app.command("list", epilog="Example: tellurion keys list --json")
def list_(state: StateOption = None, as_json: JsonOption = False) -> None:
    """List the keys by their public part, revoked and expired ones too; times are of UTC."""
    from tellurion_client.cli import display

    known = _keys(state).list()
    if as_json:
        display.json_line([asdict(key) | {"role": key.role.label} for key in known])
        return
    for key in known:
        moments = {"expires": key.expires, "revoked": key.revoked, "used": key.used}
        told = (f"{what} {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}" for what, at in moments.items() if at)
        display.line("  ".join([key.prefix, key.tenant, key.subject, key.role.label, ",".join(key.scopes), *told]))


@app.command(epilog="Example: tellurion keys revoke 0f3a9c1e")
def revoke(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="The eight digits after `tell_`.")],
    state: StateOption = None,
) -> None:
    """Make a key useless, at once."""
    _keys(state).revoke(prefix)


def _keys(state: Path | None) -> ApiKeys:
    """The keys of a state folder; its pepper is made where there is none yet."""
    import os

    from tellurion_client.state import State
    from tellurion_core.identity.api_keys import ApiKeys, read_pepper
    from tellurion_core.jobs.database import open_engine
    from tellurion_core.jobs.settings import JobSettings
    from tellurion_core.settings import StateSettings, load

    place = State(state_folder(state))
    place.make()
    given = os.environ.get("TELLURION_API_KEY_PEPPER")
    pepper = Path(given) if given else place.folder / PEPPER
    if not given and not pepper.exists():
        _write_secret(pepper, secrets.token_bytes(32))
    engine = open_engine(load(JobSettings).database_url(StateSettings(state=place.folder)))
    return ApiKeys(engine, read_pepper(pepper))


def _write_secret(path: Path, secret: bytes) -> None:
    """Writes a file that only its user can read, whole or not at all; the first of several who try it wins."""
    import os

    new = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    try:
        os.link(new, path)
    except FileExistsError:
        pass
    finally:
        new.unlink()
