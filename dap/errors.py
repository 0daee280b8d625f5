"""The one exception that is meant for the user."""


class DapError(Exception):
    """Something the user can put right: the message names the thing, its value, and the remedy."""


class InterruptedFitError(DapError):
    """A fit was stopped from outside, and goes on when it is run again."""


class UnwritableError(DapError):
    """A file cannot be written."""


class PluginError(DapError):
    """A plugin, or a library that it calls, failed: the message says which, the log has where."""
