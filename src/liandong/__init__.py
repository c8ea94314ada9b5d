"""联动, acting together: a city-safety platform."""

__version__ = "0.1.0"
