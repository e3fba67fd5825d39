"""`tellurion keys …`: API keys for those who come through a gateway."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tellurion_client.cli.platform import JsonOption, StateOption, state_folder

if TYPE_CHECKING:
    from tellurion_client.state import State
    from tellurion_core.identity.api_keys import ApiKeys

app = typer.Typer(
    name="keys",
    no_args_is_help=True,
    help="Make, list and revoke API keys for those who come through a gateway.",
    epilog="Example: tellurion keys create --tenant navy --subject ann --days 90",
)


@app.command(epilog="Example: tellurion keys create --tenant navy --subject ann --role viewer --scope ocean --days 90")
def create(
    tenant: Annotated[str, typer.Option(metavar="NAME", help="Whose files and work its bearer has.")],
    subject: Annotated[str, typer.Option(metavar="NAME", help="Who bears it, for logs.")],
    role: Annotated[
        Literal["viewer", "user", "admin"],
        typer.Option(help="What its bearer may do; an admin of all services also makes keys."),
    ] = "user",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SERVICE",
            help="A service that it is for, or `artifacts` for the files that the gateway keeps; all by default.",
        ),
    ] = None,
    days: Annotated[float | None, typer.Option(help="How long it is good for; until it is revoked by default.")] = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it; it is kept nowhere and cannot be shown again."""
    from tellurion_client.cli import display
    from tellurion_client.contracts import CONTRACTS
    from tellurion_client.identity import audit
    from tellurion_core.call import ALL_SERVICES, ARTIFACTS
    from tellurion_core.errors import InvalidInput
    from tellurion_core.identity.api_keys import prefix_of
    from tellurion_core.identity.roles import ROLES

    seconds, scopes = None if days is None else days * 86400, scope or [ALL_SERVICES]
    accepted = (*CONTRACTS, ARTIFACTS, ALL_SERVICES)
    for unknown in sorted(set(scopes) - set(accepted)):
        raise InvalidInput.of("scope", received=unknown, accepted=", ".join(accepted))
    keys, note = _keys(state), audit(_state(state))
    key = keys.create(tenant, subject, ROLES[role], scopes, seconds)
    note("key made", key=prefix_of(key), tenant=tenant, subject=subject, role=role, scopes=scopes, days=days)
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
    prefix: Annotated[
        str | None,
        typer.Argument(metavar="PREFIX", help="The eight digits after `tell_`, or the key.", show_default=False),
    ] = None,
    jti: Annotated[
        str | None, typer.Option(metavar="ID", help="Instead of a key: a token of the identity provider, by its `jti`.")
    ] = None,
    state: StateOption = None,
) -> None:
    """Make a key, or an identity provider's token, useless within seconds; running calls go on, an hour at most."""
    from tellurion_client.identity import audit, database
    from tellurion_core.errors import InvalidInput
    from tellurion_core.identity.revoked_tokens import RevokedTokens

    match prefix, jti:
        case str(), None:
            revoked = _keys(state).revoke(prefix)
            audit(_state(state))("key revoked", key=revoked)
        case None, str():
            RevokedTokens(database(_state(state))).revoke(jti)
            audit(_state(state))("token revoked", jti=jti)
        case _:
            received = "nothing" if prefix is None else "both"
            raise InvalidInput.of("prefix", received=received, accepted="the digits of a key, or --jti of a token")


def _state(folder: Path | None) -> State:
    from tellurion_client.state import State

    return State(state_folder(folder))


def _keys(folder: Path | None) -> ApiKeys:
    from tellurion_client.identity import api_keys

    return api_keys(_state(folder))
