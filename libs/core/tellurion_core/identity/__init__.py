"""Who calls, what it may do, and how the one is proved: roles, tokens, API keys."""
