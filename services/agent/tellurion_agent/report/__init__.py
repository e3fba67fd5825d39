"""What a run answers, and everything that it takes to believe it or to run it again."""
