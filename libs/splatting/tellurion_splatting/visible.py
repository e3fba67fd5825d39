"""The pairs of an image and a Gaussian that it sees, and the values that belong to them.

What is done for every pair is NumPy's or a kernel's: after an operation of its own torch keeps all cores busy waiting
for the next, and the kernels would wait for a core.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from tellurion_splatting.harmonics import harmonic_colors


class Visible:
    """nnz pairs, image by image, of B sets of N Gaussians that C cameras look at; images are B · C."""

    def __init__(self, pairs: Tensor, batch: torch.Size, count: int, cameras: int) -> None:
        self.pairs, self.batch, self.count, self.cameras = pairs, batch, count, cameras

    @cached_property
    def firsts(self) -> NDArray[np.int64]:
        """[images + 1] where each image's begin."""
        return np.searchsorted(self.pairs.numpy(), np.arange(self.batch.numel() * self.cameras + 1) * self.count)

    @cached_property
    def images(self) -> Tensor:
        """[nnz]."""
        return torch.from_numpy(self._of_images(np.arange(len(self.firsts) - 1)))

    @cached_property
    def gaussians(self) -> Tensor:
        """[nnz] within their set."""
        starts = self._of_images(np.arange(len(self.firsts) - 1) * self.count)
        return torch.from_numpy(self.pairs.numpy() - starts)

    @cached_property
    def held(self) -> Tensor:
        """[nnz] within all sets, [B · N]."""
        images = np.arange(len(self.firsts) - 1)
        starts = self._of_images((images - images // self.cameras) * self.count)
        return torch.from_numpy(self.pairs.numpy() - starts)

    @property
    def batches(self) -> Tensor:
        """[nnz]."""
        return torch.from_numpy(self._of_images(np.arange(len(self.firsts) - 1) // self.cameras))

    @property
    def views(self) -> Tensor:
        """[nnz] among the cameras of a set."""
        return torch.from_numpy(self._of_images(np.arange(len(self.firsts) - 1) % self.cameras))

    def of(self, table: Tensor, axes: int = 0) -> Tensor:
        """The rows [nnz, ...] of values [..., (C,) N, ...] with that many axes after the Gaussians'."""
        rows = self._rows(table, axes)
        return _Rows.apply(table.reshape(-1, *table.shape[table.dim() - axes :]), rows, self.firsts)

    def colors(self, colors: Tensor, degree: int | None, means: Tensor, viewmats: Tensor, threads: int) -> Tensor:
        """Colours [nnz, D] as they are, or max(Σ Y k + ½, 0) of coefficients [..., (C,) N, K, 3], by the view's."""
        if degree is None:
            return self.of(colors, 1)
        origins = torch.linalg.inv(viewmats.double())[..., :3, 3].to(means.dtype)
        ids = self.held, self.images, self._rows(colors, 2)
        coefficients = colors.reshape(-1, *colors.shape[-2:])
        return harmonic_colors(int(degree), means.reshape(-1, 3), origins.reshape(-1, 3), coefficients, *ids, threads)

    def scattered(self, values: Tensor) -> Tensor:
        """[..., C, N, ...] of values [nnz, ...]; zero where a Gaussian is not seen."""
        shape = *self.batch, self.cameras, self.count, *values.shape[1:]
        table = values.new_zeros(self.batch.numel() * self.cameras * self.count, *values.shape[1:])
        return table.index_copy(0, self.pairs, values).reshape(shape)

    def _of_images(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """[nnz] of values [images]."""
        return np.repeat(values, np.diff(self.firsts))

    def _rows(self, table: Tensor, axes: int) -> Tensor:
        return self.pairs if table.dim() - axes == len(self.batch) + 2 else self.held


class _Rows(torch.autograd.Function):
    """Rows of a table, none twice in one image; torch's own indexing adds up gradients as if any came many times."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, rows: Tensor, firsts: NDArray[np.int64]) -> Tensor:
        ctx.shape, ctx.firsts = table.shape, firsts
        ctx.save_for_backward(rows)
        return torch.from_numpy(table.detach().numpy().take(rows.numpy(), axis=0))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (rows,) = ctx.saved_tensors
        into, added = gradient.new_zeros(ctx.shape), gradient.contiguous().numpy()
        for start, stop in pairwise(ctx.firsts):
            into.numpy()[rows.numpy()[start:stop]] += added[start:stop]
        return into, None, None
