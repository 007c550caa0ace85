"""The check-up of a fit: influence of rows, overlap of columns, order, spread, and what to say."""
