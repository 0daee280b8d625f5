"""Deep audio priors: restore audio with untrained networks, and measure how well that works.

The public names are in `__init__.pyi`; each is imported when it is first used, so that a program
that asks for the version alone, or a rule of the workflow, does not import PyTorch.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
