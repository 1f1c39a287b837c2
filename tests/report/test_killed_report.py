"""A report that is killed while its figures are drawn leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

DRAWING = """
import os, sys, time
from pathlib import Path
from types import SimpleNamespace
from riskkit.report import drawing

def draw(shown, folder, mark):
    (folder / str(os.getpid())).touch()
    time.sleep(60)

drawing._draw = draw
drawing.draw_figures([SimpleNamespace(id=str(i)) for i in range(8)], Path(sys.argv[1]))
"""


def test_workers_end_with_their_parent(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", DRAWING, str(tmp_path)])
    until = time.monotonic() + 60
    while not (workers := [int(name) for name in os.listdir(tmp_path)]):
        assert time.monotonic() < until
        time.sleep(0.05)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while any(Path(f"/proc/{worker}/cmdline").exists() and _runs(worker) for worker in workers):
        assert time.monotonic() < until
        time.sleep(0.05)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
