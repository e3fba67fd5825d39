"""Which sandbox an installation has, from environment variables with the prefix `TELLURION_AGENT_`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tellurion_agent.sandbox.inner import InnerSandbox
from tellurion_agent.sandbox.sandbox import Sandbox
from tellurion_core.errors import InvalidInput, Unavailable

_CLAIM = re.compile(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?")


class SandboxSettings(BaseSettings):
    """Where scripts run."""

    model_config = SettingsConfigDict(env_prefix="TELLURION_AGENT_", extra="ignore", frozen=True)

    sandbox: Literal["inner", "kubernetes"] = "inner"
    """A confined process beside the service, or such a process in a Job of its own on a cluster."""
    kubernetes_image: str = ""
    """Of those Jobs: the agent's own, by its digest, registry/name@sha256:…."""
    kubernetes_claims: str = ""
    """`CLAIM=FOLDER` separated by commas: PersistentVolumeClaims by the folders in which this process has them mounted.
    The state folder and all libraries lie in these."""
    kubernetes_namespace: str = "tellurion-sandbox"
    """Where the Jobs are created, and the claims are."""
    kubernetes_runtime_class: str | None = None
    """RuntimeClass of the pods; the cluster's own choice where it is not set."""
    kubernetes_pull_secrets: str = ""
    """Names of Secrets in that namespace, separated by commas, that the image is pulled with."""
    kubernetes_cpus: int = Field(default=2, ge=1, le=256)
    """CPUs of a pod."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.sandbox == "kubernetes" and not (self.kubernetes_image and self.kubernetes_claims):
            raise ValueError("the kubernetes sandbox needs KUBERNETES_IMAGE and KUBERNETES_CLAIMS")
        return self

    def claims(self) -> dict[str, Path]:
        """Folders by claim. Raises InvalidInput."""
        found: dict[str, Path] = {}
        for entry in filter(None, map(str.strip, self.kubernetes_claims.split(","))):
            name, _, folder = entry.partition("=")
            if not _CLAIM.fullmatch(name) or name in found or not Path(folder).is_dir():
                raise InvalidInput.of("TELLURION_AGENT_KUBERNETES_CLAIMS", received=entry, accepted="CLAIM=FOLDER, …")
            found[name] = Path(folder).resolve()
        return found


def sandbox_of(settings: SandboxSettings) -> Sandbox:
    """The sandbox that is set. Raises InvalidInput, and Unavailable where the cluster is not known here."""
    if settings.sandbox == "inner":
        return InnerSandbox()
    claims = settings.claims()
    try:
        from kubernetes import client, config

        from tellurion_agent.sandbox.kubernetes import Cluster, KubernetesSandbox
    except ImportError:
        raise Unavailable("the kubernetes sandbox needs tellurion-agent[kubernetes]") from None
    if not os.getuid():
        raise Unavailable("the kubernetes sandbox needs a service that is not root: its pods run as the same user")
    configuration = client.Configuration()
    within = "KUBERNETES_SERVICE_HOST" in os.environ
    try:
        (config.load_incluster_config if within else config.load_kube_config)(client_configuration=configuration)
    except config.ConfigException:
        raise Unavailable("neither a service account nor a kubeconfig says where the cluster is") from None
    cluster = Cluster(
        namespace=settings.kubernetes_namespace,
        image=settings.kubernetes_image,
        claims=claims,
        user=os.getuid(),
        runtime_class=settings.kubernetes_runtime_class,
        pull_secrets=tuple(filter(None, map(str.strip, settings.kubernetes_pull_secrets.split(",")))),
        cpus=settings.kubernetes_cpus,
    )
    return KubernetesSandbox(cluster, client.ApiClient(configuration))
