"""Classes, groups and folds of the furniture: the rule, and the committed list that it gave."""

from collections import Counter

import pytest

from tellurion_pointcloud.labels import CLASSES, FILE, FOLDS, LABELS, class_of, fold_of, group_of, labelled, written


@pytest.mark.parametrize(
    ("title", "category", "kind"),
    [
        ("Armchair", "Office", "chair"),
        ("Bar stool", "Living room", "chair"),
        ("Armchair ottoman", "Living room", ""),
        ("Wheelchair", "Miscellaneous", ""),
        ("Desk lamp", "Lights", "lamp"),
        ("Desk", "Office", "table"),
        ("Bedside table", "Bedroom", ""),
        ("Table fan", "Miscellaneous", ""),
        ("Futon", "Bedroom", "bed"),
        ("Futon couch", "Living room", "sofa"),
        ("Glass door cabinet", "Kitchen", "cabinet"),
        ("Glass door", "Doors and windows", "door"),
        ("Shower door", "Bathroom", ""),
        ("Elevator door", "Doors and windows", ""),
        ("Double French window 3 panes", "Doors and windows", "window"),
        ("Sitting female", "Characters", "person"),
        ("Siamese cat", "Characters", ""),
        ("Concept Sedan 01", "Vehicles", "vehicle"),
        ("Toy train", "Bedroom", ""),
        ("Blue pine under snow", "Exterior", "plant"),
    ],
)
def test_title_and_category_tell_the_class(title, category, kind):
    assert class_of(title, category) == kind


def test_numbers_and_single_letters_do_not_tell_models_apart():
    concept = {group_of(f"Kator Legaz#concept-sedan-{end}") for end in ("01v1", "01v2", "02", "02-sport")}
    assert concept == {"conceptsedan"}
    assert group_of("Scopia#chair3") == group_of("Blend Swap CC-BY#chair4") == "chair"
    assert group_of("Scopia#window_2x3") == group_of("Scopia#window_4x5") == "window"
    assert group_of("Scopia#armchair1") == group_of("Blend Swap CC-0#armChair2") != "chair"


def test_the_committed_list_is_what_the_rule_gives():
    table = labelled({name: (label.title, label.category) for name, label in LABELS.items()})
    assert written(table) == FILE.read_text()


def test_a_model_without_class_changes_no_label():
    catalogue = {name: (label.title, label.category) for name, label in LABELS.items()}
    assert labelled({**catalogue, "Scopia#toaster": ("Toaster", "Kitchen")}) == LABELS


def test_groups_are_in_one_fold_each():
    folds = {}
    for label in LABELS.values():
        folds.setdefault(label.group, set()).add(label.fold)
    assert all(len(each) == 1 for each in folds.values())
    assert {fold for each in folds.values() for fold in each} == set(range(FOLDS))


def test_every_class_is_in_every_fold_and_folds_are_nearly_of_one_size():
    count = Counter((label.kind, label.fold) for label in LABELS.values())
    assert len(CLASSES) == 11
    assert all(count[kind, fold] for kind in CLASSES for fold in range(FOLDS))
    sizes = Counter(label.fold for label in LABELS.values())
    assert max(sizes.values()) - min(sizes.values()) < 0.05 * len(LABELS)


def test_classes_are_spread_evenly_where_groups_are_small():
    """A window is nearly always one of one series, which cannot be divided."""
    for kind in set(CLASSES) - {"window"}:
        groups = Counter(label.group for label in LABELS.values() if label.kind == kind)
        count = Counter(label.fold for label in LABELS.values() if label.kind == kind)
        assert max(count.values()) - min(count.values()) < max(groups.values())


def test_only_what_has_no_labelled_near_duplicate_is_in_no_fold():
    assert "Scopia#chair3" in LABELS
    assert "Scopia#chair99" not in LABELS
    assert fold_of(group_of("Scopia#chair99")) == LABELS["Scopia#chair3"].fold
    assert fold_of(group_of("Scopia#toaster")) == -1
