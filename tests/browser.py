"""A page in headless Chromium, for tests of what its scripts make of it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
)  # fmt: skip


@dataclass(frozen=True)
class Opened:
    """The page as it stands once its scripts have run, and what they wrote to the console."""

    html: str
    console: tuple[str, ...]


PROBE = """<iframe width="1280" FRAME></iframe><pre></pre><script>
onload = () => {
  const frame = document.querySelector("iframe");
  const page = frame.contentDocument;
  document.querySelector("pre").textContent = JSON.stringify((() => { SCRIPT })());
  frame.remove();
};
</script>"""
FRAME = '<iframe width="1280" src="{}"></iframe>'
SIDE_BY_SIDE = """FRAMES<pre></pre><script>
onload = () => {
  const frames = [...document.querySelectorAll("iframe")];
  const pages = frames.map((frame) => frame.contentDocument.documentElement.outerHTML);
  document.querySelector("pre").textContent = JSON.stringify(pages);
  frames.forEach((frame) => frame.remove());
};
</script>"""
SEEN = """
const found = [...page.querySelectorAll("svg, select, input, button, p")];
const seen = found.filter((element) => element.getBoundingClientRect().width > 0);
return seen.map((element) => (element.matches("p") ? element.textContent : element.localName));
"""


def probed(folder: Path, frame: str, script: str) -> Any:
    """What a script of ours returns of `page`, in a frame with these attributes."""
    probe = folder / "probe.html"
    probe.write_text(PROBE.replace("FRAME", frame).replace("SCRIPT", script), encoding="utf-8")
    return json.loads(html.unescape(_told(opened(probe, "", "--allow-file-access-from-files"))))


def seen_without_scripts(page: Path, folder: Path) -> list[str]:
    """What is seen of a page where scripts may not run: paragraphs by their text, drawings and controls by tag."""
    source = html.escape(page.read_text(encoding="utf-8"))
    return list(probed(folder, f'sandbox="allow-same-origin" srcdoc="{source}"', SEEN))


def opened_at(page: Path, addresses: Mapping[str, str], folder: Path) -> dict[str, Opened]:
    """Open a file at several addresses within it, side by side; the console is that of them all."""
    frames = "".join(FRAME.format(html.escape(f"{page.as_uri()}{address}")) for address in addresses.values())
    side_by_side = folder / "side_by_side.html"
    side_by_side.write_text(SIDE_BY_SIDE.replace("FRAMES", frames), encoding="utf-8")
    shown = opened(side_by_side, "", "--allow-file-access-from-files")
    pages = json.loads(html.unescape(_told(shown)))
    return {name: Opened(each, shown.console) for name, each in zip(addresses, pages, strict=True)}


def _told(shown: Opened) -> str:
    told = re.search(r"<pre>(.*?)</pre>", shown.html, re.DOTALL)
    assert told
    return told[1]


def opened(page: Path, address: str = "", *options: str) -> Opened:
    """Open a file at an address within it."""
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip(f"needs a browser: none of {', '.join(NAMES)} was found")
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, *QUIET, f"--user-data-dir={profile}", *options, "--dump-dom", f"{page.as_uri()}{address}"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return Opened(run.stdout, tuple(re.findall(r".*CONSOLE.*", run.stderr)))
