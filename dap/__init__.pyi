from .api import restore as restore
from .choice import methods as methods
from .detection import find_gaps as find_gaps
from .errors import DapError as DapError
from .estimate import TooLongError as TooLongError
from .files import RestoredFile as RestoredFile
from .files import restore_file as restore_file
from .options import FitOptions as FitOptions
from .restoration import Restoration as Restoration
from .separation import Separation as Separation
from .separation import separate as separate

__version__: str
