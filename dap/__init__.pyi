from .errors import DapError as DapError
from .options import FitOptions as FitOptions

__version__: str
