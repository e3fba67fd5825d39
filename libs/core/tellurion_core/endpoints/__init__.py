"""OpenAI-compatible servers: which may be asked, with which keys, and what comes back, read with bounds."""
