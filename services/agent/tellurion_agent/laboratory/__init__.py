"""Scripts that are written, run in the sandbox, mended, and checked."""
