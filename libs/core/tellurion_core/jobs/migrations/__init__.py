"""How the tables of jobs came to be, a step a file in `versions/`; `open_engine` takes a database through them."""
