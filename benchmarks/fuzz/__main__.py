"""Run cases: ``python -m benchmarks.fuzz --cases 2000 --seed 1``; one of them again: ``--only 123``.

A case is right if it ends in an answer that its oracle holds for, or in a sentence (a RiskkitError). A traceback, an
answer that is not what was asked, and more than `PATIENCE` seconds are faults, listed with what makes them again.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from benchmarks.fuzz import expressions, files, formulas
from riskkit.errors import RiskkitError
from riskkit.questions.cross_check import run as cross_check

PATIENCE = 20  # seconds for one case
KINDS: dict[str, tuple[Callable[[np.random.Generator], str], float]] = {
    "formula": (formulas.case, 0.5),
    "expression": (expressions.case, 0.2),
    "shipped file": (files.shipped, 0.21),
    "analysis": (files.analysis, 0.07),
    "labels": (files.labels, 0.02),
}


class Hang(BaseException):
    """A case took longer than anybody waits; no handler of errors may take it for one."""


@contextmanager
def patience(seconds: int) -> Iterator[None]:
    """Interrupt what takes longer."""

    def interrupt(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(seed: int, number: int) -> tuple[str, str, str]:
    """Run one case: its kind, how it ended ("answered", "refused" or a fault), and the fault told."""
    rng = np.random.default_rng([seed, number])
    kind = str(rng.choice(list(KINDS), p=[share for _, share in KINDS.values()]))
    try:
        with patience(PATIENCE), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            KINDS[kind][0](rng)
    except RiskkitError as error:
        return kind, "refused", "" if str(error).strip() else "a refusal without a word"
    except Hang:
        return kind, "hang", f"longer than {PATIENCE} s"
    except AssertionError as error:
        return kind, "silent", str(error)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return kind, "traceback", f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
    return kind, "answered", ""


def main(arguments: list[str] | None = None) -> int:
    """Run cases and list the faults; 1 if there are any."""
    parser = argparse.ArgumentParser(prog="benchmarks.fuzz")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one case, to run it again")
    parser.add_argument("--seconds", type=float, default=600, help="no case is begun after so many")
    asked = parser.parse_args(arguments)
    ends: Counter[tuple[str, str]] = Counter()
    faults, started, done = [], time.monotonic(), 0
    cross_check.ask_r = lambda design: None  # R takes 2 s a model, and is no part of what is tried
    for number in range(asked.cases) if asked.only is None else [asked.only]:
        if time.monotonic() - started > asked.seconds:
            break
        kind, how, fault = outcome(asked.seed, number)
        ends[kind, how] += 1
        done += 1
        if fault:
            faults.append(fault)
            print(f"--seed {asked.seed} --only {number}: {kind}, {how}: {fault[:400]}", flush=True)
    for (kind, how), times in sorted(ends.items()):
        print(f"{kind:14} {how:10} {times:6,}")
    print(f"{done:,} cases in {time.monotonic() - started:.0f} s, {len(faults)} faults")
    return 1 if faults or (done < asked.cases and asked.only is None) else 0


if __name__ == "__main__":
    sys.exit(main())
