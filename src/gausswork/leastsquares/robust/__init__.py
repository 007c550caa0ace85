"""Standard errors that hold under unequal scatter, in clusters, and under serial correlation."""
