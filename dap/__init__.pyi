from .errors import DapError as DapError
from .files.estimate import TooLongError as TooLongError
from .files.restore import RestoredFile as RestoredFile
from .files.restore import restore_file as restore_file
from .options import FitOptions as FitOptions
from .restoration.api import restore as restore
from .restoration.choice import methods as methods
from .restoration.detection import find_gaps as find_gaps
from .restoration.result import Restoration as Restoration
from .restoration.separation import Separation as Separation
from .restoration.separation import separate as separate

__version__: str
