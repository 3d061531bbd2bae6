"""The one base of all errors that this project raises to be read by a person."""


class QualiaError(Exception):
    """Something went wrong that a person can mend: the message says what, where, and how.

    The command line prints such an error as one line; anything else is a bug and keeps its traceback.
    """
