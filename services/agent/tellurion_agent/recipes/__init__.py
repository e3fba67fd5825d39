"""The knowledge library: one file for each question that can be answered by a known diagnostic."""
