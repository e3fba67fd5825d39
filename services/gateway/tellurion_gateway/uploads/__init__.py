"""Resumable uploads: tus 1.0 in, artifacts out (https://tus.io/protocols/resumable-upload)."""
