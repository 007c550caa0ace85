"""The engine's passes over rows that lie with another array library; see gausswork.data.devices."""
