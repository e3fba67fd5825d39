"""The splat service: photographs of a scene become Gaussians, and what lies behind a reflection is told from it."""
