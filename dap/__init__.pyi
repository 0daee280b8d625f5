from .api import Restoration as Restoration
from .api import methods as methods
from .api import restore as restore
from .errors import DapError as DapError
from .options import FitOptions as FitOptions

__version__: str
