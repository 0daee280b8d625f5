from .api import Restoration as Restoration
from .api import restore as restore
from .choice import methods as methods
from .errors import DapError as DapError
from .options import FitOptions as FitOptions

__version__: str
