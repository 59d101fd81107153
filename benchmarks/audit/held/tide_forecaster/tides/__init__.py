"""Forecasts of the water level of the next hours."""
