"""What a request mentions, read as values with types: one file for each kind."""
