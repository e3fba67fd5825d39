"""Each benchmark's scorers: a file per variant or protocol, over pure functions."""
