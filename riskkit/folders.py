"""Folders and files that are replaced whole or not at all, whoever dies while they are written.

What is written goes to a workplace beside its target, the hidden folder ``.NAME.partial``, and takes the target's place
by a rename once it is on the disk. Whose workplace it is says the lock on a file in it, which the system lets go when
its process ends, however it ends and in whichever container it ran: no process number and no clock is asked. So a
second writer waits for the first, and a workplace that nobody locks is what a dead process has left, and goes.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from riskkit.errors import DataError, StorageError

try:
    import fcntl
except ImportError:  # Windows: no locks of this kind, so workplaces have names of their own
    fcntl = None  # type: ignore[assignment]

WAIT = 600.0  # seconds for which a writer waits for another of the same target
LOCK, NEW, OLD = "lock", "new", "old"
SUMS = "SHA256SUMS"  # as sha256sum writes it and, with -c, reads it
SCRATCH = "riskkit-"
EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)
HERE = -100  # AT_FDCWD
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}  # said by file systems that know none
TOLD = {
    errno.ENOSPC: "the disk is full. Free some space, and run again",
    errno.EDQUOT: "the quota of disk space is used up. Free some space, and run again",
    errno.EFBIG: "the file is larger than the system allows",
    errno.EROFS: "the file system is read-only. Work in a folder that can be written to",
    errno.EACCES: "this is not permitted to you. Change the permissions, or work in a folder of your own",
    errno.EPERM: "this is not permitted to you. Change the permissions, or work in a folder of your own",
    errno.EIO: "the disk cannot be read or written there. Check it, and restore the file from a backup",
    errno.ENAMETOOLONG: "the name is too long for the file system. Choose a shorter one",
    errno.ENOTDIR: "a part of this path is a file, not a folder. Move that file away",
    errno.EISDIR: "is a folder where a file should be. Move it away",
    errno.EEXIST: "is a file where a folder should be. Move it away",
    errno.ELOOP: "is a link that leads in a circle. Remove it",
    errno.EMFILE: "too many files are open. Raise the limit (ulimit -n), or run fewer jobs at once",
}


@contextmanager
def whole_folder(folder: str | Path, *, sums: bool = False, wait: float = WAIT) -> Iterator[Path]:
    """Give an empty folder to write to, which takes the place of `folder` if the block ends well.

    Everything in it is on the disk before the rename, which on Linux changes new for old in one step; `folder` is the
    old one or the new one, never a part of either.

    Parameters
    ----------
    folder : path
        Replaced if it is there; the folders above it are made.
    sums : bool
        Whether to add ``SHA256SUMS``, by which `check_sums` finds damage.
    wait : float, seconds
        For how long to wait where another process is writing the same folder.

    Raises
    ------
    StorageError
        If `folder` is a link or a file; if another process is still writing it; if the disk is full, or it cannot be
        written to.
    """
    folder = Path(folder)
    if folder.is_symlink():
        raise StorageError(f"{folder}: is a link, which is not followed: what it leads to would be deleted. Remove it.")
    if folder.exists() and not folder.is_dir():
        raise StorageError(f"{folder}: {TOLD[errno.EEXIST]}.")
    with told(folder), _workplace(folder, wait) as place:
        new = place / NEW
        new.mkdir()
        yield new
        if sums:
            _write_sums(new)
        _to_disk(new)
        _swap(new, folder, place / OLD)
        _to_disk(folder.parent, deep=False)


@contextmanager
def whole_file(path: str | Path, *, wait: float = WAIT) -> Iterator[Path]:
    """Give a path to write to (with the name of `path`), which becomes `path` if the block ends well.

    Raises
    ------
    StorageError
        As of `whole_folder`.
    """
    path = Path(path)
    if path.is_dir():
        raise StorageError(f"{path}: {TOLD[errno.EISDIR]}.")
    with told(path), _workplace(path, wait) as place:
        new = place / NEW / path.name
        new.parent.mkdir()
        yield new
        _to_disk(new, deep=False)
        new.replace(path)
        _to_disk(path.parent, deep=False)


@contextmanager
def scratch() -> Iterator[Path]:
    """Give an empty folder, for this user only, in the system's folder of temporary files; it goes with the block.

    Those that dead processes of the same user have left go first: there may be data of single people in them.
    """
    above = Path(tempfile.gettempdir())
    _tidy(place for place in above.glob(f"{SCRATCH}*") if not place.is_symlink() and _is_mine(place))
    place = above / f"{SCRATCH}{uuid4().hex}"
    with told(place), _held(place, 0.0) as own:
        (own / NEW).mkdir(mode=0o700)
        yield own / NEW


def tidy(folder: str | Path) -> None:
    """Remove what dead processes have left in a folder; what a living one is writing stays."""
    _tidy(Path(folder).glob(".*.partial"))


def check_sums(folder: str | Path) -> None:
    """Compare the files of a folder with its ``SHA256SUMS``.

    Raises
    ------
    DataError
        If there is none, a file is missing, or a file is not the one that was written.
    """
    folder = Path(folder)
    sums = folder / SUMS
    try:
        *lines, end = sums.read_text(encoding="utf-8").split("\n")
        noted = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
        if end:
            raise ValueError("the last line is cut")
    except FileNotFoundError:
        raise DataError(f"{sums}: is missing, so nobody can tell whether the files are as written.") from None
    except (ValueError, UnicodeDecodeError):
        raise DataError(f"{sums}: is damaged, so nobody can tell whether the files are as written.") from None
    with told(folder):
        there = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        for name in sorted(set(there) - {SUMS} - set(noted)):
            if not name.startswith("."):
                raise DataError(
                    f"{folder / name}: is not noted in {SUMS}, so nobody can tell whether it is as written."
                )
        for name, digest in noted.items():
            path = folder / name
            if not path.is_file():
                raise DataError(f"{path}: is missing.")
            if _sha256(path) != digest:
                raise DataError(f"{path}: is damaged or was changed; its SHA-256 is not the one noted in {SUMS}.")


@contextmanager
def told(what: str | Path) -> Iterator[None]:
    """Say in one sentence what the system refused while `what` was read or written.

    Raises
    ------
    StorageError
        In the place of an OSError that a user can do something about; others are left as they are.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in TOLD:
            raise
        where = error.filename if error.filename and ".partial" not in str(error.filename) else what
        raise StorageError(f"{where}: {TOLD[error.errno]}.") from error


@contextmanager
def _workplace(target: Path, wait: float) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with _held(target.with_name(f".{target.name}.partial"), wait) as place:
        if (place / OLD).exists() and not target.exists():  # its writer died between two renames
            (place / OLD).rename(target)
        _clear(place)
        yield place


@contextmanager
def _held(place: Path, wait: float) -> Iterator[Path]:
    """A workplace of our own, made if it is not there; it goes at the end."""
    lock = _take(place, wait)
    if lock is None:  # no locks here: a name that nobody else has, so that two writers cannot meet
        place = place.with_name(f"{place.name.removesuffix('.partial')}.{uuid4().hex}.partial")
        place.mkdir()
    try:
        yield place
    finally:
        with suppress(OSError):
            _clear(place)
            (place / LOCK).unlink(missing_ok=True)
            place.rmdir()
        if lock is not None:
            os.close(lock)


def _take(place: Path, wait: float) -> int | None:
    """Lock a workplace, open until it is closed; None where there are no locks.

    A lock counts only if its file is still the one in the workplace: its last owner may have removed it meanwhile.
    """
    if fcntl is None:
        return None
    until = time.monotonic() + wait
    while True:
        place.mkdir(mode=0o700, exist_ok=True)
        try:
            lock = os.open(place / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock), os.stat(place / LOCK)):
                return lock
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(lock)
                name = place.name.removeprefix(".").removesuffix(".partial")
                raise StorageError(
                    f"{place.with_name(name)}: another process is writing it. Wait until that has ended, and run again."
                ) from None
            time.sleep(0.05)
        except FileNotFoundError:
            pass
        except OSError as error:
            os.close(lock)
            if error.errno not in NO_LOCKS:
                raise
            (place / LOCK).unlink(missing_ok=True)
            with suppress(OSError):
                place.rmdir()
            return None
        os.close(lock)


def _tidy(places: Iterator[Path]) -> None:
    if fcntl is None:
        return
    for place in places:
        with suppress(StorageError, OSError), _held(place, 0.0):
            target = place.with_name(place.name.removeprefix(".").removesuffix(".partial"))
            if place.name.startswith(".") and (place / OLD).exists() and not target.exists():
                (place / OLD).rename(target)


def _is_mine(place: Path) -> bool:
    try:
        return place.stat().st_uid == os.getuid()
    except OSError:
        return False


def _clear(place: Path) -> None:
    """Empty a workplace but for its lock."""
    for path in place.iterdir():
        if path.name == LOCK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _swap(new: Path, folder: Path, aside: Path) -> None:
    """Put `new` where `folder` is; in one step where the system can, else by way of `aside`."""
    if not folder.exists():
        new.rename(folder)
    elif not _exchange(new, folder):
        folder.rename(aside)
        new.rename(folder)


def _exchange(one: Path, other: Path) -> bool:
    """Have two paths change names in one step; whether this system and this file system can."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    return rename is not None and rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0


def _to_disk(path: Path, deep: bool = True) -> None:
    """Wait until a file or folder, and what is in it, is on the disk and not in memory only."""
    for each in (*(path.rglob("*") if deep else ()), path):
        handle = os.open(each, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno != errno.EINVAL:  # said of folders by file systems that need no such thing
                raise
        finally:
            os.close(handle)


def _write_sums(folder: Path) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
