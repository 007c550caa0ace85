"""Measurements beside the peers: accuracy, speed, memory, honesty of the certificates."""
