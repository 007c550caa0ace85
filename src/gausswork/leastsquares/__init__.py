"""The least-squares engine: moments, the normal equation, and what a fit means."""
