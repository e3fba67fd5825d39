"""Diffusion models of fields on the globe: schedules, denoisers, samplers, guidance, training and weights files."""

from tellurion_diffusion import weights
from tellurion_diffusion.annealing import anneal
from tellurion_diffusion.denoisers import Denoiser, Network, Preconditioned, clipped
from tellurion_diffusion.dit import DiT
from tellurion_diffusion.dit_spec import DiTSpec
from tellurion_diffusion.ema import EMA
from tellurion_diffusion.guidance import Guidance, Mask, Observation, Operator, ReconMOST, SoftMask
from tellurion_diffusion.noise_levels import LogNormal, LogUniform, NoiseLevels
from tellurion_diffusion.preference import (
    LOSSES,
    PreferenceTrainer,
    dpo_loss,
    implicit_accuracy,
    ipo_loss,
    margins,
    pairs,
)
from tellurion_diffusion.released import released_state, released_temperature
from tellurion_diffusion.samplers import NoiseSource, OnStep, ancestral, ddim, multistep
from tellurion_diffusion.schedules import (
    cosine,
    cosine_betas,
    edm,
    linear_beta,
    linear_betas,
    noise,
    respaced,
    signal,
)
from tellurion_diffusion.training import Batch, Batches, Recipe, Report, Trainer, correction_loss
from tellurion_diffusion.unet import UNet
from tellurion_diffusion.unet_spec import RECONMOST, UNetSpec

__all__ = [
    "EMA",
    "LOSSES",
    "RECONMOST",
    "Batch",
    "Batches",
    "Denoiser",
    "DiT",
    "DiTSpec",
    "Guidance",
    "LogNormal",
    "LogUniform",
    "Mask",
    "Network",
    "NoiseLevels",
    "NoiseSource",
    "Observation",
    "OnStep",
    "Operator",
    "Preconditioned",
    "PreferenceTrainer",
    "Recipe",
    "ReconMOST",
    "Report",
    "SoftMask",
    "Trainer",
    "UNet",
    "UNetSpec",
    "ancestral",
    "anneal",
    "clipped",
    "correction_loss",
    "cosine",
    "cosine_betas",
    "ddim",
    "dpo_loss",
    "edm",
    "implicit_accuracy",
    "ipo_loss",
    "linear_beta",
    "linear_betas",
    "margins",
    "multistep",
    "noise",
    "pairs",
    "released_state",
    "released_temperature",
    "respaced",
    "signal",
    "weights",
]
