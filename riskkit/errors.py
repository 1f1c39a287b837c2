"""Errors a user can act on.

Every message names the file or formula, the field and the value, and says what to write instead. The command line
prints these without a traceback; anything else that escapes is a defect of riskkit.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class RiskkitError(Exception):
    """Base of every error riskkit raises on purpose."""


class SpecError(RiskkitError):
    """What the user wrote (a TOML file, a formula, an argument) cannot be understood."""


class DataError(RiskkitError):
    """The data are not what the specification says they are."""


class FitError(RiskkitError):
    """A model cannot be estimated from these data."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant, or list the known names.

    Returns a sentence that starts with a space, ready to follow "unknown ... 'name'.".
    """
    known = list(known)
    folded = {each.casefold(): each for each in reversed(known)}  # capitals are the commonest slip
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    if close:
        return f" Did you mean '{folded[close[0]]}'?"
    if not known:
        return " There are none to choose from."
    shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return f" Known: {shown}."


class DataUnavailable(DataError):
    """A raw file is neither at hand nor to be downloaded."""


class SoftwareUnavailable(RiskkitError):
    """A program or library outside Python that the user asked for is not on this machine."""


class StorageError(RiskkitError):
    """A file or folder cannot be read or written: no space, no permission, somebody else's."""
