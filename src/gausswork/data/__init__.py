"""Where rows come from: arrays, frames and files become batches of numbers.

``open_data`` turns whatever holds the data into a ``Source`` of batches for the engine, and a
``Recipe`` by which ``open_predictors`` later reads new data alike.
"""

from gausswork.data.opened import OpenedData
from gausswork.data.opening import open_data
from gausswork.data.predictors import open_predictors
from gausswork.data.recipe import Predictor, Recipe
from gausswork.data.sources import Batch, Source, Tally

__all__ = [
    "Batch",
    "OpenedData",
    "Predictor",
    "Recipe",
    "Source",
    "Tally",
    "open_data",
    "open_predictors",
]
