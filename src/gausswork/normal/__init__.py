"""The normal distribution: what to compute with it, and how to tell whether data follow it."""
