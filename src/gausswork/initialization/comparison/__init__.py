"""The same network trained from several schemes and seeds, and what became of each."""
