"""Settings come from the environment, and say which variable cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from tellurion_core.errors import InvalidInput
from tellurion_core.settings import ServerSettings, StateSettings, TelemetrySettings, load


def test_without_an_environment_the_server_is_private_and_plain() -> None:
    settings = load(ServerSettings)
    assert (settings.listen, settings.tls_certificate) == ("127.0.0.1:0", None)
    assert load(TelemetrySettings).metrics_address is None


def test_variables_with_the_prefix_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TELLURION_LISTEN", "unix:/run/x.sock")
    monkeypatch.setenv("TELLURION_MAX_CONCURRENT_CALLS", "7")
    monkeypatch.setenv("TELLURION_STATE", str(tmp_path))
    monkeypatch.setenv("TELLURION_UNKNOWN", "1")
    settings = load(ServerSettings)
    assert (settings.listen, settings.max_concurrent_calls) == ("unix:/run/x.sock", 7)
    assert load(StateSettings).state == tmp_path


def test_registered_weights_are_in_the_state_folder_or_where_it_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TELLURION_STATE", str(tmp_path))
    assert load(StateSettings).models_folder == tmp_path / "models"
    monkeypatch.setenv("TELLURION_MODELS", "/srv/models")
    assert load(StateSettings).models_folder == Path("/srv/models")


@pytest.mark.parametrize("address", ["127.0.0.1:0", "0.0.0.0:65535", "[::1]:80", "localhost:5000", "unix:/a/b"])
def test_addresses_are_accepted(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("TELLURION_LISTEN", address)
    assert load(ServerSettings).listen == address


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LISTEN", "localhost"),
        ("LISTEN", "unix:"),
        ("LISTEN", "::1:80"),
        ("LISTEN", "127.0.0.1:port"),
        ("LISTEN", "127.0.0.1:99999"),
        ("MAX_CONCURRENT_CALLS", "0"),
        ("MAX_CALL_SECONDS", "0"),
        ("DRAIN_SECONDS", "-1"),
        ("MAX_REQUEST_BYTES", "many"),
        ("TLS_KEY", "/no/such/file"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"TELLURION_{name}", value)
    with pytest.raises(InvalidInput) as caught:
        load(ServerSettings)
    [violation] = caught.value.violations
    assert (violation.field, violation.received) == (f"TELLURION_{name}", value)


def test_every_variable_that_cannot_be_used_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLURION_LISTEN", "x")
    monkeypatch.setenv("TELLURION_STOP_SECONDS", "x")
    with pytest.raises(InvalidInput) as caught:
        load(ServerSettings)
    assert {v.field for v in caught.value.violations} == {"TELLURION_LISTEN", "TELLURION_STOP_SECONDS"}


@pytest.mark.parametrize("given", [("CERTIFICATE",), ("KEY",), ("CLIENT_CA",)])
def test_half_of_the_tls_files_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: tuple[str, ...]
) -> None:
    for name in given:
        (tmp_path / name).write_text("")
        monkeypatch.setenv(f"TELLURION_TLS_{name}", str(tmp_path / name))
    with pytest.raises(InvalidInput, match="TELLURION_TLS_CERTIFICATE"):
        load(ServerSettings)
