"""Gradient descent in mini-batches: each epoch an order of its own; steps, rates, state."""
