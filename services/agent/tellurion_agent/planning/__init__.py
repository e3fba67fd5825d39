"""From a request in plain language to candidate plans, or to a question back, or to an honest no."""
