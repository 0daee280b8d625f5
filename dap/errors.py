"""The one exception that is meant for the user."""


class DapError(Exception):
    """Something the user can put right: the message names the thing, its value, and the remedy."""
