"""The smallest MMPT that downstream tasks are tested with."""

from tellurion_pointcloud.mmpt import Spec

TINY = Spec(
    points=64,
    groups=8,
    group_size=8,
    hidden=8,
    width=32,
    depth=1,
    heads=2,
    drop_path=0.0,
    vocabulary=8,
    code_width=32,
    decoder_depth=1,
    image_size=16,
    image_width=8,
    contrast=8,
)
