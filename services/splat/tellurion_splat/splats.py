"""Gaussians as they are fitted: parameters that any real number is valid for, and what they mean.

One set carries both branches of Ref-Unlock: position, shape and orientation are shared; the transmitted and the
reflected branch have spherical harmonics and an opacity of their own, and a weight β says how much of a Gaussian is
reflection. Where Gaussians are in one branch alone, what they have of the other means nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from tellurion_splat.variants import FIXED, Variant
from tellurion_splatting.gaussians import Gaussians, Reflection

SHAPE = ("means", "quats", "log_scales")
TRANSMITTED = ("logit_opacities", "sh0", "sh_rest")
NEVER = -14.0
"""Logit of an opacity that a Gaussian has in a branch that it is not in, at most; where it is made it is −∞."""
REFLECTED = ("reflected_logit_opacities", "reflected_sh0", "reflected_sh_rest", "logit_beta")


@dataclass(frozen=True, eq=False)
class Splats:
    """A set of N Gaussians, with a reflected branch or without."""

    parameters: dict[str, Tensor]
    """By name: means [N, 3], quats [N, 4] wxyz of any norm, log_scales [N, 3], logit_opacities [N], sh0 [N, 1, 3],
    sh_rest [N, K − 1, 3]; and for a reflected branch reflected_logit_opacities [N], reflected_sh0, reflected_sh_rest
    and logit_beta [N]. All float32 and on one device; lengths in the units of the scene."""
    antialiased: bool = False
    """Whether opacities are those of Gaussians before they are blurred in an image; fits have others."""

    @classmethod
    def of(cls, gaussians: Gaussians, device: torch.device | str = "cpu") -> Splats:
        """The parameters of these Gaussians; opacities and weights of 0 and 1 have infinite ones."""
        arrays = {
            "means": gaussians.means,
            "quats": gaussians.quats,
            "log_scales": np.log(gaussians.scales),
            "sh0": gaussians.sh[:, :1],
            "sh_rest": gaussians.sh[:, 1:],
        }
        logits = {"logit_opacities": gaussians.opacities}
        if (reflection := gaussians.reflection) is not None:
            arrays |= {"reflected_sh0": reflection.sh[:, :1], "reflected_sh_rest": reflection.sh[:, 1:]}
            logits |= {"reflected_logit_opacities": reflection.opacities, "logit_beta": reflection.weights}
        tensors = {name: torch.tensor(array, dtype=torch.float32) for name, array in (arrays | logits).items()}
        tensors |= {name: torch.logit(tensors[name]) for name in logits}
        return cls({name: tensor.to(device) for name, tensor in tensors.items()}, gaussians.antialiased)

    def to(self, device: torch.device | str) -> Splats:
        """The same on a device."""
        return Splats({name: tensor.to(device) for name, tensor in self.parameters.items()}, self.antialiased)

    def gaussians(self, variant: Variant = FIXED) -> Gaussians:
        """What is written to a file, of parameters that were fitted with this variant."""

        def array(tensor: Tensor) -> np.ndarray:
            return tensor.detach().cpu().numpy()

        reflection = None
        if self.reflective:
            sh = array(variant.normalised(self.reflected_sh()))
            reflection = Reflection(sh, array(self.reflected_opacities), array(self.weights))
        return Gaussians(
            array(self.means),
            array(self.quats),
            array(self.scales),
            array(self.opacities),
            array(variant.normalised(self.sh())),
            reflection=reflection,
            antialiased=self.antialiased,
        )

    def __len__(self) -> int:
        return len(self.means)

    @property
    def reflective(self) -> bool:
        """Whether there is a reflected branch."""
        return "logit_beta" in self.parameters

    @property
    def apart(self) -> bool:
        """Whether Gaussians are in one branch alone; those of a fit that shares them never become as faint as NEVER."""
        if not self.reflective:
            return False
        never = (self.parameters[name] < NEVER for name in ("logit_opacities", "reflected_logit_opacities"))
        return bool(torch.logical_xor(*never).any())

    @property
    def means(self) -> Tensor:
        """[N, 3]."""
        return self.parameters["means"]

    @property
    def quats(self) -> Tensor:
        """[N, 4] wxyz, of any norm."""
        return self.parameters["quats"]

    @property
    def scales(self) -> Tensor:
        """[N, 3] standard deviations along the axes."""
        return self.parameters["log_scales"].exp()

    @property
    def opacities(self) -> Tensor:
        """[N] of the transmitted branch."""
        return self.parameters["logit_opacities"].sigmoid()

    @property
    def reflected_opacities(self) -> Tensor:
        """[N]."""
        return self.parameters["reflected_logit_opacities"].sigmoid()

    @property
    def weights(self) -> Tensor:
        """[N] β, the reflection's part of a Gaussian."""
        return self.parameters["logit_beta"].sigmoid()

    def sh(self, degree: int | None = None) -> Tensor:
        """[N, (degree + 1)², 3] coefficients of the transmitted colour, all of them or up to a degree."""
        return _joined(self.parameters["sh0"], self.parameters["sh_rest"], degree)

    def reflected_sh(self, degree: int | None = None) -> Tensor:
        """[N, (degree + 1)², 3], those of the reflected one."""
        return _joined(self.parameters["reflected_sh0"], self.parameters["reflected_sh_rest"], degree)


def rotated(quats: Tensor, vectors: Tensor) -> Tensor:
    """Vectors [N, 3] turned by quaternions [N, 4] wxyz of any norm above 0."""
    w, axis = normalize(quats, dim=-1).split((1, 3), dim=-1)
    twice = 2 * torch.linalg.cross(axis, vectors)
    return vectors + w * twice + torch.linalg.cross(axis, twice)


def degree_of(sh: Tensor) -> int:
    """The degree of coefficients [N, K, 3], K = (degree + 1)²."""
    return round(sh.shape[1] ** 0.5) - 1


def _joined(first: Tensor, rest: Tensor, degree: int | None) -> Tensor:
    return torch.cat([first, rest if degree is None else rest[:, : (degree + 1) ** 2 - 1]], dim=1)
