"""Formulas such as ``y ~ a + C(kind) + log(c)``: read, checked, learned, applied; never run."""
