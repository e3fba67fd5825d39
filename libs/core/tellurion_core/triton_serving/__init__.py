"""Models on NVIDIA Triton: the repository that it reads, and what its Python backend runs."""
