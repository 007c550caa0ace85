"""Where rows come from: arrays, frames and files become batches of numbers."""
