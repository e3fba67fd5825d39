"""Gaussians in files: PLY, .splat, SPZ and SOG."""

from tellurion_splatting.files.formats import encoded_gaussians, read_gaussians, write_gaussians

__all__ = ["encoded_gaussians", "read_gaussians", "write_gaussians"]
