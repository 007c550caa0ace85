"""Gradient descent over all rows at once: what is asked, what is known first, the history."""
