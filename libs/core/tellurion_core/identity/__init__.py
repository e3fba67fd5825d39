"""Who calls, and what that entitles to: roles, tokens between services, API keys, tokens of others."""
