"""A fit: photographs with their cameras become Gaussians, by gradient descent on one view after another.

Whatever is random in an iteration is a function of the seed and of its number, so a fit that was killed and resumed
ends with the parameters of one that was not, to the bit (same machine, same number of threads).
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tellurion_core.errors import Cancelled, DataCorrupted, InvalidInput
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_diffusion.checkpoints import read_checkpoint, write_checkpoint
from tellurion_splat.components import Components, render
from tellurion_splat.densification import Densification, passes, reset
from tellurion_splat.depth import aligned_to_render
from tellurion_splat.evaluation import Evaluation, evaluate, references
from tellurion_splat.initialisation import extent, first_splats
from tellurion_splat.losses import depth_term, photometric, ref_unlock_terms
from tellurion_splat.optimiser import Optimiser
from tellurion_splat.schedule import Schedule
from tellurion_splat.spec import FitSpec
from tellurion_splat.splats import Splats
from tellurion_splat.variants import VARIANTS
from tellurion_splat.views import View, Views
from tellurion_splatting.gaussians import Gaussians
from tellurion_splatting.scenes.folder import Scene

CHECKPOINT = "checkpoint.pt"
RENDERED_FROM = 200
"""Iterations after which a render is good enough to align a depth prior to."""
TOLD_EVERY = 10
"""Iterations."""
MOST_PREVIEWS = 20
"""Of a fit, beside those at its end and where it goes on."""

Preview = Callable[[int, NDArray[np.float32]], None]
"""Told the iterations done, and a picture [H, ·, 3] in 0 … 1: the image of the scene's first view, and beside it what
is transmitted and what is reflected, where these are told apart."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a fit ends with."""

    gaussians: Gaussians
    evaluation: Evaluation
    """Of the views that were held out; without any where all were fitted."""
    losses: Mapping[str, float]
    """The weighted terms of the loss in the last iteration."""
    seconds: float
    """Spent, over resumptions; without the evaluation."""


class Fit:
    """A fit, and how far it has come."""

    def __init__(
        self,
        scene: Scene,
        spec: FitSpec,
        folder: Path | None = None,
        *,
        device: torch.device | str = "cpu",
        checkpoint_every: int = 250,
        checkpoint_seconds: float = 30.0,
        preview_every: int = 500,
        truth: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins, or goes on from the checkpoint in `folder`; none is kept where that is None.

        Checkpoints are no more than so many iterations and about so many seconds apart. With `truth` views that are
        held out are in the end also scored against the truth, where the scene has it.

        Raises:
            InvalidInput: a scene that cannot be fitted as `spec` asks, or scored, or a checkpoint of another fit.
            DataCorrupted: a checkpoint is damaged.
        """
        self.scene, self.spec, self._truth = scene, spec, truth
        self.done = 0
        """Iterations."""
        self.losses: dict[str, float] = {}
        """The terms of the last one."""
        self.views = Views(scene, spec, device)
        self._held_out = [int(row) for row in np.flatnonzero(self.views.held_out)]
        for _ in references(scene, self._held_out, truth=truth):
            pass  # what cannot be read is found before the first iteration, not after the last
        self.schedule = Schedule.of(spec.mode, spec.iterations)
        self.variant = VARIANTS[spec.variant]
        self.extent = extent(self.views.cameras)
        self.splats = first_splats(scene, self.views, spec, self.variant).to(device)
        self.optimiser = Optimiser(self.splats)
        self.densification = Densification(len(self.splats), device)
        self._checkpoint = None if folder is None else folder / CHECKPOINT
        self._checkpoint_every, self._checkpoint_seconds = checkpoint_every, checkpoint_seconds
        self._preview_every = max(preview_every, math.ceil(spec.iterations / MOST_PREVIEWS))
        self._clock, self._began, self._spent = clock, clock(), 0.0
        self._identity = {"spec": asdict(spec), "scene": "" if folder is None else digest_of(scene, spec)}
        if self._checkpoint is not None and self._checkpoint.exists():
            self._resume(self._checkpoint)
        self._saved_at = self.done, self.seconds

    @property
    def seconds(self) -> float:
        """Spent, over resumptions."""
        return self._spent + self._clock() - self._began

    def run(
        self,
        progress: Progress = lambda fraction, message: None,
        cancelled: CancelCheck = lambda: False,
        preview: Preview = lambda done, picture: None,
    ) -> Fitted:
        """Goes on to the end, with a preview where it goes on, every so many iterations, and at the end.

        Raises InvalidInput when a loss is not finite, Cancelled soon after `cancelled()`.
        """
        of = self.spec.iterations
        if self.done:
            preview(self.done, self.picture())
        while self.done < of:
            if cancelled():
                raise Cancelled("the fit was cancelled")
            self.advance()
            if self.done % self._preview_every == 0 or self.done == of:
                preview(self.done, self.picture())
            if self.done % TOLD_EVERY == 0 or self.done == of:
                progress(self.done / of, self._told())
            if self._is_due():
                self.save()
        seconds, gaussians = self.seconds, self.splats.gaussians(self.variant)
        as_read = Splats.of(gaussians, self.splats.means.device)
        evaluation = evaluate(as_read, self.scene, self._held_out, truth=self._truth, cancelled=cancelled)
        return Fitted(gaussians, evaluation, self.losses, seconds)

    def advance(self) -> None:
        """One step of gradient descent on the next view, and what the schedule has for it."""
        view = self.views[self._view_number()]
        seen = self._render(view.viewmat, view.K)
        for drawn in passes(seen.meta):
            drawn["means2d"].retain_grad()
        terms = self._terms(seen, view)
        torch.stack(list(terms.values())).sum().backward()
        self.losses = {name: term.item() for name, term in terms.items()}
        if not all(map(math.isfinite, self.losses.values())):
            accepted = "finite ones; iterations may have diverged"
            raise InvalidInput.of(f"view {view.name}", received=f"losses of {self.losses}", accepted=accepted)
        self.densification.observe(seen.meta, self.scene.size)
        self.optimiser.step(self.schedule.means_rate(self.done) * self.extent)
        self.done += 1
        if self.schedule.densifies(self.done):
            self.densification.densify(
                self.splats,
                self.optimiser,
                extent=self.extent,
                most=self.spec.max_gaussians,
                prune_large=self.schedule.prunes_large(self.done),
                generator=self._generator(),
            )
        if self.schedule.resets(self.done):
            reset(self.splats, self.optimiser)

    @torch.no_grad()
    def picture(self) -> NDArray[np.float32]:
        """How it looks now; see `Preview`."""
        cameras, means = self.scene.cameras, self.splats.means
        seen = self._render(*(torch.from_numpy(each[0]).to(means) for each in (cameras.viewmats, cameras.intrinsics)))
        parts = [seen.image, seen.transmitted, seen.reflected] if self.splats.reflective else [seen.image]
        return torch.cat(parts, dim=1).clamp(0, 1).cpu().numpy()

    def save(self) -> None:
        """Writes the checkpoint, if one is to be kept."""
        self._saved_at = self.done, self.seconds
        if self._checkpoint is None:
            return
        state = {
            **self._identity,
            "done": self.done,
            "seconds": self.seconds,
            "losses": self.losses,
            "splats": self.optimiser.state_dict(),
            "pulls": self.densification.pulls,
            "views": self.densification.views,
        }
        write_checkpoint(self._checkpoint, state)

    def _terms(self, seen: Components, view: View) -> dict[str, Tensor]:
        if self.splats.reflective:
            with_square = self.done < self.schedule.mse_until
            terms = ref_unlock_terms(seen, view.photograph, view.clean, variant=self.variant, with_square=with_square)
        else:
            terms = {"image": photometric(seen.image, view.photograph)}
        prior = view.depth_prior
        if prior is not None and not view.aligned:
            late = self.done >= RENDERED_FROM
            prior = aligned_to_render(prior, seen.inverse_depth.detach(), seen.alpha.detach()) if late else None
        if prior is not None:
            terms["depth"] = depth_term(seen, prior, self.schedule.depth_weight(self.done), variant=self.variant)
        return terms

    def _render(self, viewmat: Tensor, K: Tensor) -> Components:
        degrees = self.spec.sh_degree, self.spec.reflected_sh_degree
        return render(
            self.splats,
            viewmat,
            K,
            self.scene.size,
            variant=self.variant,
            degrees=tuple(self.schedule.degree(self.done, highest) for highest in degrees),
        )

    def _view_number(self) -> int:
        """Each view once, in an order of its own, and then again in another."""
        epoch, place = divmod(self.done, len(self.views))
        return int(np.random.default_rng([self.spec.seed, epoch]).permutation(len(self.views))[place])

    def _generator(self) -> torch.Generator:
        seed = np.random.SeedSequence([self.spec.seed, self.done]).generate_state(1, np.uint64)[0] >> np.uint64(1)
        return torch.Generator().manual_seed(int(seed))

    def _told(self) -> str:
        done, of = self.done, self.spec.iterations
        left = math.ceil(self.seconds * (of - done) / done / 60)
        loss = sum(self.losses.values())
        return f"iteration {done} of {of}, {len(self.splats)} Gaussians, loss {loss:.4f}, about {left} min left"

    def _is_due(self) -> bool:
        done, seconds = self._saved_at
        late = self.seconds - seconds >= self._checkpoint_seconds or self.done == self.spec.iterations
        return late or self.done - done >= self._checkpoint_every

    def _resume(self, checkpoint: Path) -> None:
        try:
            state = read_checkpoint(checkpoint, self.splats.means.device)
            for name, ours in self._identity.items():
                if state[name] != ours:
                    field = f"checkpoint {checkpoint.name}: {name}"
                    raise InvalidInput.of(field, received=state[name], accepted=f"{ours}, that of this fit")
            self.optimiser.load_state_dict(state["splats"])
            self.densification.pulls, self.densification.views = state["pulls"], state["views"]
            self.done, self._spent, self.losses = int(state["done"]), float(state["seconds"]), dict(state["losses"])
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, OSError) as error:
            raise DataCorrupted(f"checkpoint {checkpoint.name} does not hold a fit of this scene") from error


def digest_of(scene: Scene, spec: FitSpec) -> str:
    """The SHA-256 of all that a fit takes of a scene: cameras, points, and the bytes of its images."""
    cameras = scene.cameras
    digest = hashlib.sha256(repr((cameras.names, scene.size, scene.near)).encode())
    for array in (cameras.viewmats, cameras.intrinsics, scene.points, scene.point_colors):
        digest.update(np.ascontiguousarray(array).tobytes())
    beside = (scene.folder(name) for name in (spec.clean_folder, spec.depth_folder) if name)
    for path in (*scene.images, *(path for folder in beside for path in folder.values())):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
