"""The figures, a module each.

They are drawn into files, so no window is needed, and no backend of a notebook: one that
MPLBACKEND names and that is not installed here would fail at the import of matplotlib.
"""

import os

os.environ["MPLBACKEND"] = "agg"
