"""The benchmarks: what kinds of question each asks, what it measures, and which scorers it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from types import MappingProxyType
from typing import cast

from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.scoring import Variant
from tellurion_core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Scorer:
    """One variant, which is loaded when it is used: its libraries take seconds."""

    description: str
    """What it does, in a sentence."""
    path: str
    """`module:class`, below `tellurion_benchmark.scorers`."""
    kinds: Mapping[str, tuple[str, ...]] | None = None
    """By kind of question, the metrics that it enters, where these are others than the benchmark's."""

    def load(self, prompts: Prompts) -> Variant:
        """The variant with these prompts."""
        module, _, name = self.path.partition(":")
        return cast(Variant, getattr(import_module(f"tellurion_benchmark.scorers.{module}"), name)(prompts))


@dataclass(frozen=True, slots=True)
class Suite:
    """One benchmark."""

    name: str
    """As it is asked for."""
    description: str
    """What it is, in a sentence."""
    kinds: Mapping[str, tuple[str, ...]]
    """By kind of question, the metrics that it enters, the headline first."""
    metrics: Mapping[str, str]
    """By name, what each metric is, and in which range."""
    variants: Mapping[str, Scorer]
    """By name."""

    def variant(self, name: str, prompts: Prompts) -> Variant:
        """One of its variants.

        Raises:
            InvalidInput: it has no such variant.
        """
        return self._scorer(name).load(prompts)

    def under(self, variant: str) -> Suite:
        """The benchmark with the kinds as one of its variants has them.

        Raises:
            InvalidInput: it has no such variant.
        """
        return replace(self, kinds=self._scorer(variant).kinds or self.kinds)

    def _scorer(self, variant: str) -> Scorer:
        if variant not in self.variants:
            raise InvalidInput.of("variant", received=variant, accepted=", ".join(self.variants))
        return self.variants[variant]


def suite(name: str) -> Suite:
    """The benchmark of this name.

    Raises:
        InvalidInput: there is none.
    """
    if name not in SUITES:
        raise InvalidInput.of("suite", received=name, accepted=", ".join(SUITES))
    return SUITES[name]


_TEXT = {
    "bleu": "BLEU of 13a tokens, unsmoothed, 0 to 1",
    "bleu1": "precision of 1-grams, 0 to 1",
    "bleu2": "precision of 2-grams, 0 to 1",
    "bleu3": "precision of 3-grams, 0 to 1",
    "bleu4": "precision of 4-grams, 0 to 1",
    "rouge1": "ROUGE-1 F, unstemmed, 0 to 1",
    "rouge2": "ROUGE-2 F, unstemmed, 0 to 1",
    "rougeL": "ROUGE-L F, unstemmed, 0 to 1",
    "rougeLsum": "ROUGE-Lsum F, unstemmed, 0 to 1",
    "meteor": "METEOR of NLTK, 0 to 1",
    "bertscore": "BERTScore F of roberta-large, 0 to 1",
}

_OVERLAPS = ("0.1", "0.3", "0.5", "0.7", "0.9")

_JUDGED: Mapping[str, tuple[str, ...]] = {
    "mcq": ("judge_score",),
    "exact_match": ("judge_score",),
    "open_ended": ("judge_score", "rougeL", "bleu", "meteor", "bertscore"),
}
_BOXES = ("iou", "execution_success")
_HITS = tuple(f"acc@{overlap}" for overlap in _OVERLAPS)

SFE = Suite(
    "sfe",
    "SFE: scientific images of five disciplines, with questions in English or Chinese; choices, phrases and boxes.",
    kinds={**_JUDGED, "boxes": (*_BOXES, *_HITS)},
    metrics={
        "judge_score": "the judge's mark in percent of the best one, 0 to 100",
        "rougeL": "ROUGE-L F, stemmed, 0 to 1",
        "bleu": "sentence BLEU of NLTK, smoothed by method 1, 0 to 1",
        "meteor": "METEOR of NLTK, 0 to 1; the release's is always 0",
        "bertscore": "BERTScore F of a multilingual model, 0 to 1",
        "iou": "overlap of the boxes of answers that hold any, 0 to 1",
        "execution_success": "share of answers that hold a box, 0 to 1",
        **{f"acc@{overlap}": f"share whose boxes overlap by more than {overlap}, 0 to 1" for overlap in _OVERLAPS},
    },
    variants={
        "official": Scorer(
            "The release's scorer: acc@t counts every item of another kind as a miss.",
            "sfe:Official",
            kinds={kind: (*metrics, *_HITS) for kind, metrics in (*_JUDGED.items(), ("boxes", _BOXES))},
        ),
        "corrected": Scorer(
            "acc@t of boxes alone, Chinese text by characters, METEOR computed, only marks that were given.",
            "sfe:Corrected",
        ),
        "vlmevalkit": Scorer(
            "VLMEvalKit's prompts; a judge gives everything 0 to 9, boxes too.",
            "sfe_vlmevalkit:VLMEvalKit",
            kinds=dict.fromkeys((*_JUDGED, "boxes"), ("judge_score",)),
        ),
    },
)

OMNIEARTH = Suite(
    "omniearth",
    "OmniEarth-Bench: observations of six spheres; choices, boxes, chains of thought, open questions and captions.",
    kinds={
        "single": ("accuracy", "unable_to_decide"),
        "multiple": ("accuracy", "unable_to_decide"),
        "grounding": ("grounding_iou", *(f"grounding_acc@{overlap}" for overlap in _OVERLAPS)),
        "cot": ("cot_f1", "cot_precision", "cot_recall"),
        "open": ("open_score", "open_strict"),
        "caption": (
            "caption_cider",
            *(f"caption_bleu{order}" for order in (1, 2, 3, 4)),
            *("caption_meteor", "caption_rougeL", "caption_spice"),
        ),
    },
    metrics={
        "accuracy": "share of questions whose right options, and no others, are chosen, 0 to 1",
        "unable_to_decide": "share of questions that are answered with the option to be unable to decide, 0 to 1",
        "grounding_iou": "overlap of the box with the reference's, 0 to 1; officially the accuracy at 0.9",
        **{
            f"grounding_acc@{overlap}": f"share whose box overlaps by at least {overlap}, 0 to 1"
            for overlap in _OVERLAPS
        },
        "cot_f1": "harmonic mean of precision and recall, each averaged over all chains, 0 to 1",
        "cot_precision": "share of a chain's inferences and descriptions that are right or reasonable, 0 to 1",
        "cot_recall": "share of the reference's steps that a chain has, 0 to 1",
        "open_score": "the judge's mark: 0, 0.5 or 1",
        "open_strict": "share of answers that are marked 1, 0 to 1",
        "caption_cider": "CIDEr-D of Penn Treebank tokens, 0 to 10",
        **{f"caption_bleu{order}": f"BLEU-{order} of the corpus, 0 to 1" for order in (1, 2, 3, 4)},
        "caption_meteor": "METEOR 1.5 of the corpus, 0 to 1; not NLTK's",
        "caption_rougeL": "ROUGE-L F of Penn Treebank tokens with β = 1.2, 0 to 1",
        "caption_spice": "SPICE, 0 to 1",
    },
    variants={
        "official": Scorer(
            "The release's scorer: any letter a to e is a choice, and the aggregate overlap is the accuracy at 0.9.",
            "omniearth:Official",
        ),
        "corrected": Scorer(
            "Letters that stand alone, the mean overlap, and nothing rounded on the way.", "omniearth:Corrected"
        ),
    },
)

MSEARTH = Suite(
    "msearth",
    "MSEarth: figures of geoscience papers; captions, multiple choice and open questions in five spheres.",
    kinds={
        "mcq": ("mcq_accuracy",),
        "open": ("open_accuracy", *(f"open_{name}" for name in _TEXT)),
        "caption": ("caption_score", *(f"caption_{name}" for name in _TEXT)),
    },
    metrics={
        "mcq_accuracy": "share of right options, 0 to 1",
        "open_accuracy": "share that the judge calls correct, 0 to 1",
        "caption_score": "the judge's mark, 1 to 5",
        **{f"{kind}_{name}": what for kind in ("open", "caption") for name, what in _TEXT.items()},
    },
    variants={
        "official": Scorer(
            "The release's scorer: option letters are case-sensitive, and backslashes of replies are deleted.",
            "msearth:Official",
        ),
        "corrected": Scorer(
            "The release's scorer with option letters in either case, and formulas in JSON.", "msearth:Corrected"
        ),
        "vlmevalkit": Scorer(
            "VLMEvalKit's prompt and rules, for multiple choice alone.",
            "msearth_vlmevalkit:VLMEvalKit",
            kinds={"mcq": ("mcq_accuracy",), "open": (), "caption": ()},
        ),
    },
)

EARTHSE = Suite(
    "earthse",
    "EarthSE: text; Iron and Silver in four formats and eleven tasks, Gold in dialogues, over five spheres.",
    kinds={
        "multiple_choice": ("multiple_choice_accuracy", "accuracy"),
        "true_false": ("true_false_accuracy", "accuracy"),
        "fill_in_the_blank": ("fill_in_the_blank_accuracy", "accuracy"),
        "free_form": ("free_form_win_rate", "accuracy", "free_form_similarity"),
        "gold": ("ses", "retention", "diversity"),
    },
    metrics={
        "accuracy": "share of right answers of all four formats, as tasks and spheres are compared, 0 to 1",
        "multiple_choice_accuracy": "share of right letters, 0 to 1",
        "true_false_accuracy": "share of right judgements, 0 to 1",
        "fill_in_the_blank_accuracy": "share of blanks filled with the reference's words, 0 to 1",
        "free_form_win_rate": "share of answers that the judge puts before the reference, 0 to 1",
        "free_form_similarity": "cosine of the MiniLM embeddings of answer and reference, -1 to 1",
        "diversity": "how unlike each other three dialogues are, 1 to 10",
        "retention": "share of the dialogues that the judge puts before the reference, 0 to 1",
        "ses": "scientific exploration score: diversity times retention, 0 to 10",
    },
    variants={
        "official": Scorer(
            "The release's scorer: nothing is stripped or folded, a judge's reply but B is a loss, and the judge of"
            " dialogues sees their second turn.",
            "earthse:Official",
        ),
        "corrected": Scorer(
            "Answers are stripped and folded, and the judge of dialogues sees both turns.", "earthse:Corrected"
        ),
    },
)

SUITES: Mapping[str, Suite] = MappingProxyType({each.name: each for each in (SFE, OMNIEARTH, MSEARTH, EARTHSE)})
"""By name."""
