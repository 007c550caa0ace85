"""Promises about data larger than memory, and about where sums are added up."""
