"""Asking a model or a judge behind an OpenAI-compatible endpoint: each question once, within a budget."""
