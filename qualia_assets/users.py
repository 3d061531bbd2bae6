"""The form of user keys: they become folder names, so it is strict."""

import re

from qualia_assets.errors import QualiaError

USER_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class InvalidUserKey(QualiaError):
    """A user key of the wrong form; the message says what is allowed."""


def check_user_key(user: str) -> str:
    """Return ``user`` where it is a valid key.

    Raises:
        InvalidUserKey: it is not.
    """
    if not USER_KEY.fullmatch(user):
        raise InvalidUserKey(
            f"{user!r} is not a user key. Use 1 to 63 of a-z, 0-9, '-' and '_', "
            "beginning with a letter or a digit, for example 'ann' or 'reader-2'."
        )
    return user
