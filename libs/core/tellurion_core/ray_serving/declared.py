"""The applications as a configuration of Ray Serve declares them, where somebody else runs Serve: KubeRay's RayService.

    applications:
      - name: ocean_oi                    # the model's own
        route_prefix: null
        import_path: tellurion_core.ray_serving.declared:model
        args: {name: ocean_oi}
      - name: tellurion-fronts
        route_prefix: null
        import_path: tellurion_core.ray_serving.declared:fronts
        args: {node_resource: front}    # which nodes have that may have one

Serve builds them in a process of the cluster, whose environment has the settings that `python -m
tellurion_core.ray_serving` reads. They may come in any order: a front tells of a model that is not there yet as it does
of one that has gone.
"""

# Without annotations from __future__: Serve reads what type of arguments a builder takes.

from pydantic import BaseModel, ConfigDict
from ray import serve

from tellurion_core.model_discovery import chosen_models
from tellurion_core.ray_serving.application import deployment, ends_within, fronts_deployment
from tellurion_core.ray_serving.settings import RaySettings
from tellurion_core.settings import ServerSettings, TelemetrySettings, load


class ModelArguments(BaseModel):
    """Of an application of a model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """Of a model that is installed here."""


class FrontArguments(BaseModel):
    """Of the application of the fronts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    node_resource: str | None = None
    """A resource of Ray of which each node that may have a front offers 1. Any node by default, a head without cores
    among them: a front asks for none."""


def model(arguments: ModelArguments) -> serve.Application:
    """The replicas of a model. Raises InvalidInput where it is not installed, or settings cannot be used."""
    settings = load(RaySettings)
    (source,) = chosen_models([arguments.name], settings.services)
    scaling = settings.of(source.name)
    return deployment(scaling, ends_within(load(ServerSettings))).bind(source, scaling, load(TelemetrySettings))


def fronts(arguments: FrontArguments) -> serve.Application:
    """The fronts before all models of the services in the settings. Raises InvalidInput."""
    settings, server = load(RaySettings), load(ServerSettings)
    models = {source.name: source for source in chosen_models([], settings.services)}
    deployed = fronts_deployment(settings, server, arguments.node_resource)
    return deployed.bind(models, server, load(TelemetrySettings), settings.tensors)
