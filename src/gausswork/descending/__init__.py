"""How a gradient descent is shown: in the table of its fit, as data, step by step."""
