"""Deep audio priors: restore audio with untrained networks, and measure how well that works."""

__version__ = "0.1.0"
