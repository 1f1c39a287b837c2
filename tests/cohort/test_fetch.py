from __future__ import annotations

import gzip
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from five_people import DEATHS, PEOPLE, MakeCohort

from riskkit.cohort.build import build, load_cohort
from riskkit.cohort.content import check_content
from riskkit.cohort.fetch import TIMEOUT, fetch
from riskkit.cohort.lock import Source
from riskkit.errors import DataError, DataUnavailable, SpecError
from riskkit.spec.cohort import CohortSpec, load_cohort_spec
from riskkit.spec.tables import FileSpec

ADDRESS = "http://127.0.0.1:{port}/{name}"


@pytest.fixture(autouse=True)
def no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RISKKIT_MIRROR", raising=False)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A mirror: one file in the cohort's folder, packed and in small letters, the other in the mirror itself."""
    folder = tmp_path / "mirror"
    (folder / "five").mkdir(parents=True)
    (folder / "five" / "people.csv.gz").write_bytes(gzip.compress(PEOPLE.encode()))
    (folder / "Deaths.Dat").write_bytes(DEATHS.encode())
    return folder


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[BaseHTTPRequestHandler], None]], int]]:
    servers = []

    def start(answer: Callable[[BaseHTTPRequestHandler], None]) -> int:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server.server_address[1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def at_address(five: MakeCohort, port: int) -> CohortSpec:
    lines = [('format = "csv"', f'format = "csv"\naddress = "{ADDRESS.format(port=port, name="people.csv")}"')]
    lines.append(("id_columns = [1, 3]", f'id_columns = [1, 3]\naddress = "{ADDRESS.format(port=port, name="d")}"'))
    return load_cohort_spec(five(tuple(lines), raw=False))


def answer(body: bytes, status: int = 200, claimed: int | None = None) -> Callable[[BaseHTTPRequestHandler], None]:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body) if claimed is None else claimed))
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def raw_names(root: Path) -> list[str]:
    folder = root / "build" / "raw" / "five"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_from_a_mirror_whatever_the_capitals_and_packing(five: MakeCohort, shelf: Path, tmp_path: Path) -> None:
    spec, said = load_cohort_spec(five(raw=False)), []
    sources = fetch(spec, tmp_path, mirror=shelf, progress=said.append)
    people, deaths = PEOPLE.encode(), DEATHS.encode()
    assert sources == (
        Source("PEOPLE.CSV", len(people), hashlib.sha256(people).hexdigest(), "mirror: five/people.csv.gz"),
        Source("DEATHS.DAT", len(deaths), hashlib.sha256(deaths).hexdigest(), "mirror: Deaths.Dat"),
    )
    assert raw_names(tmp_path) == ["DEATHS.DAT", "PEOPLE.CSV.gz"]
    assert [line.split(":")[0] for line in said] == ["PEOPLE.CSV", "DEATHS.DAT"]
    lock = json.loads((tmp_path / "cohorts" / "five.lock.json").read_text())
    assert [entry["sha256"] for entry in lock["sources"]] == [sources[1].sha256, sources[0].sha256]
    assert str(tmp_path) not in json.dumps(lock)
    assert build(spec, tmp_path / "build" / "raw" / "five").sources == sources


@pytest.mark.parametrize(
    ("declared", "folder"), [("[fetch]\n", "five"), ("", "five"), ('[fetch]\nmirror = "six"\n', "six")]
)
def test_the_folder_in_the_mirror_has_the_cohort_s_name_unless_given(
    five: MakeCohort, shelf: Path, tmp_path: Path, declared: str, folder: str
) -> None:
    (shelf / "five").rename(shelf / folder)
    spec = load_cohort_spec(five((('[fetch]\nmirror = "five"\n', declared),), raw=False))
    assert fetch(spec, tmp_path, mirror=shelf)[0].origin == f"mirror: {folder}/people.csv.gz"


def test_files_already_there_are_left_alone(five: MakeCohort, shelf: Path, tmp_path: Path) -> None:
    spec = load_cohort_spec(five(raw=False))
    first = fetch(spec, tmp_path, mirror=shelf)
    kept = [tmp_path / "cohorts" / "five.lock.json", *(tmp_path / "build" / "raw" / "five").iterdir()]
    before = [path.stat().st_mtime_ns for path in kept]
    assert fetch(spec, tmp_path) == first  # neither mirror nor address is needed
    assert [path.stat().st_mtime_ns for path in kept] == before


def test_the_mirror_of_the_environment_is_used_by_load_cohort(
    five: MakeCohort, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISKKIT_MIRROR", str(shelf))
    cohort = load_cohort(five(raw=False))
    assert len(cohort.data) == 3
    assert [source.origin for source in cohort.sources] == ["mirror: five/people.csv.gz", "mirror: Deaths.Dat"]


def test_a_file_that_differs_from_the_lock_is_refused_until_accepted(
    five: MakeCohort, shelf: Path, tmp_path: Path
) -> None:
    spec = load_cohort_spec(five(raw=False))
    fetch(spec, tmp_path, mirror=shelf)
    raw = tmp_path / "build" / "raw" / "five"
    (raw / "DEATHS.DAT").write_bytes(DEATHS.replace("61", "71").encode())
    message = r"DEATHS\.DAT is not the file recorded in .*five\.lock\.json: it has 40 bytes .* recorded are 40 with"
    for again in (lambda: fetch(spec, tmp_path), lambda: build(spec, raw)):
        with pytest.raises(DataError, match=message) as error:
            again()
        assert "run 'riskkit fetch five --accept'" in str(error.value)
    accepted = fetch(spec, tmp_path, accept=True)
    assert accepted[1].origin == "put there by hand"
    assert build(spec, raw).sources == accepted


def test_a_packed_and_a_plain_file_of_one_content_are_the_same(five: MakeCohort, shelf: Path, tmp_path: Path) -> None:
    spec = load_cohort_spec(five(raw=False))
    first = fetch(spec, tmp_path, mirror=shelf)
    raw = tmp_path / "build" / "raw" / "five"
    (raw / "PEOPLE.CSV.gz").unlink()
    (raw / "people.csv").write_text(PEOPLE)
    assert fetch(spec, tmp_path) == first


def test_another_content_from_the_mirror_never_takes_the_place(five: MakeCohort, shelf: Path, tmp_path: Path) -> None:
    spec = load_cohort_spec(five(raw=False))
    fetch(spec, tmp_path, mirror=shelf)
    (tmp_path / "build" / "raw" / "five" / "DEATHS.DAT").unlink()
    (shelf / "Deaths.Dat").write_bytes(b"001  120\n")
    with pytest.raises(DataError, match="is not the file recorded"):
        fetch(spec, tmp_path, mirror=shelf)
    assert raw_names(tmp_path) == ["PEOPLE.CSV.gz"]


def test_a_damaged_copy_is_never_left_in_place(five: MakeCohort, shelf: Path, tmp_path: Path) -> None:
    packed = shelf / "five" / "people.csv.gz"
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(DataError, match="damaged or cut off"):
        fetch(load_cohort_spec(five(raw=False)), tmp_path, mirror=shelf)
    assert raw_names(tmp_path) == []


def test_a_lock_that_cannot_be_read(five: MakeCohort, tmp_path: Path) -> None:
    spec = load_cohort_spec(five())
    for nonsense in ("{", '{"sources": [{"file": "a"}]}', "[]"):
        (tmp_path / "cohorts" / "five.lock.json").write_text(nonsense)
        with pytest.raises(
            DataError, match=r"five\.lock\.json: cannot be read .* Delete it to record the raw files anew"
        ):
            fetch(spec, tmp_path)


def test_a_mirror_that_is_no_folder(five: MakeCohort, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the mirror '.*nowhere' is not a folder\. Correct RISKKIT_MIRROR"):
        fetch(load_cohort_spec(five(raw=False)), tmp_path, mirror=tmp_path / "nowhere")


def test_downloads(five: MakeCohort, serve: Callable, tmp_path: Path) -> None:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        answer((PEOPLE if "people" in handler.path else DEATHS).encode())(handler)

    port = serve(reply)
    sources = fetch(at_address(five, port), tmp_path)
    assert [source.origin for source in sources] == [ADDRESS.format(port=port, name=n) for n in ("people.csv", "d")]
    assert len(load_cohort(tmp_path / "cohorts" / "five.toml").data) == 3


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (answer(b"ID,SEX", claimed=5000), "cannot be downloaded"),
        (answer(b"gone", status=404), "its address answers 404"),
        (
            answer(b"\n<!DOCTYPE html><title>Page not found</title>"),
            r"gives is a web page, not data \('<!DOCTYPE html>",
        ),
    ],
)
def test_a_download_that_fails_leaves_nothing(
    five: MakeCohort, serve: Callable, tmp_path: Path, reply: Callable, reason: str
) -> None:
    with pytest.raises(DataUnavailable, match=reason):
        fetch(at_address(five, serve(reply)), tmp_path)
    assert raw_names(tmp_path) == []
    assert not (tmp_path / "cohorts" / "five.lock.json").exists()


def test_no_network_and_no_mirror_is_one_sentence_and_quick(
    five: MakeCohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("riskkit.cohort.fetch.TIMEOUT", (1, 1))
    refusing = socket.create_server(("127.0.0.1", 0))
    port = refusing.getsockname()[1]
    refusing.close()
    silent = socket.create_server(("127.0.0.1", 0))
    cases = [(port, "cannot be downloaded"), (silent.getsockname()[1], "does not answer")]
    for at, reason in cases:
        spec = at_address(five, at)
        started = time.perf_counter()
        with pytest.raises(DataUnavailable) as error:
            fetch(spec, tmp_path)
        assert time.perf_counter() - started < 3
        assert str(error.value) == (
            f"PEOPLE.CSV of cohort 'five' is not in {tmp_path / 'build' / 'raw' / 'five'} nor in a mirror, and "
            f"{ADDRESS.format(port=at, name='people.csv')} {reason}: put the file into that folder, set RISKKIT_MIRROR "
            f"to a folder that has it, or correct files.people.address in {spec.path}."
        )
    silent.close()


def test_the_time_allowed_is_within_15_seconds() -> None:
    assert sum(TIMEOUT) <= 15


def test_a_file_without_address(five: MakeCohort, tmp_path: Path) -> None:
    with pytest.raises(DataUnavailable, match="and it has no address: put the file into that folder"):
        fetch(load_cohort_spec(five(raw=False)), tmp_path)


NOT_DATA = {
    "an empty file": (b"", "is empty"),
    "blanks": (b" \n\n", "is empty"),
    "a page behind an XML prolog": (b'<?xml version="1.0"?>\n<!-- x -->\n<html><body>gone', "is a web page, not data"),
    "a page behind a byte order mark": (b"\xef\xbb\xbf <HTML>gone", "is a web page, not data"),
    "an error in XML": (
        b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
        "is a message in XML, not data",
    ),
    "an error in JSON": (b'{"error": "not found", "status": 404}', "is a message in JSON, not data"),
    "a list in JSON": (b'[{"error": "not found"}]', "is a message in JSON, not data"),
    "an archive": (b"PK\x03\x04rest of it", "is a zip archive"),
    "something binary": (b"\x7fELF\x00\x00", "is not text"),
}


@pytest.mark.parametrize(("body", "reason"), NOT_DATA.values(), ids=NOT_DATA)
def test_what_is_no_data_is_refused_wherever_it_comes_from(
    five: MakeCohort, serve: Callable, tmp_path: Path, shelf: Path, body: bytes, reason: str
) -> None:
    spec = at_address(five, serve(answer(body)))
    with pytest.raises(DataUnavailable, match=rf"what http://\S+people.csv gives {reason}"):
        fetch(spec, tmp_path)
    assert raw_names(tmp_path) == []
    (shelf / "five" / "people.csv.gz").write_bytes(gzip.compress(body))
    with pytest.raises(DataError, match=rf"mirror/five/people\.csv\.gz: {reason}"):
        fetch(spec, tmp_path, mirror=shelf)
    assert raw_names(tmp_path) == []
    by_hand = tmp_path / "build" / "raw" / "five" / "PEOPLE.CSV"
    by_hand.parent.mkdir(parents=True, exist_ok=True)
    by_hand.write_bytes(body)
    with pytest.raises(DataError, match=rf"PEOPLE\.CSV: {reason}"):
        fetch(spec, tmp_path)
    assert not (tmp_path / "cohorts" / "five.lock.json").exists()


@pytest.mark.parametrize("beginning", ["{x},ID\n1,2\n", "[1],ID\n", "<5,ID\n"])
def test_odd_headers_of_data_are_data(tmp_path: Path, beginning: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(beginning)
    if beginning.startswith("<"):
        with pytest.raises(DataError, match="XML"):
            check_content(path, FileSpec(path="x.csv", format="csv"))
    else:
        check_content(path, FileSpec(path="x.csv", format="csv"))


@pytest.mark.parametrize("form", ["parquet", "xpt", "sas7bdat", "dta"])
def test_formats_are_known_by_their_beginnings(tmp_path: Path, form: str) -> None:
    path, frame = tmp_path / f"x.{form}", pd.DataFrame({"A": [1.0, 2.0]})
    if form == "parquet":
        frame.to_parquet(path)
    elif form == "xpt":
        pyreadstat.write_xport(frame, path, file_format_version=5)
    elif form == "dta":
        for version in (114, 117, 118):
            frame.to_stata(path, version=version)
            check_content(path, FileSpec(path=path.name, format="dta"))
    else:
        path.write_bytes(bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011") + bytes(200))
    spec = FileSpec(path=path.name, format=form)
    check_content(path, spec)
    whole = path.read_bytes()
    if form in ("parquet", "xpt"):
        path.write_bytes(whole[:-7])
        with pytest.raises(DataError, match="it is cut off"):
            check_content(path, spec)
    path.write_bytes(b"ID,A\n1,2\n")
    with pytest.raises(DataError, match=f"does not begin as a file of format {form} does"):
        check_content(path, spec)


def test_a_cut_of_which_the_server_does_not_tell_is_seen_within_a_line(
    five: MakeCohort, serve: Callable, tmp_path: Path
) -> None:
    def until_closed(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(PEOPLE.encode()[: PEOPLE.rindex(",") + 1])

    with pytest.raises(DataUnavailable, match="ends within a line: it was cut off"):
        fetch(at_address(five, serve(until_closed)), tmp_path)
    assert raw_names(tmp_path) == []


def test_an_address_that_never_ends_is_left(
    five: MakeCohort, serve: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):
            while True:
                handler.wfile.write(b"ID,SEX\n" * 1000)

    monkeypatch.setattr("riskkit.cohort.fetch.LARGEST", 5_000_000)
    with pytest.raises(DataUnavailable, match="gives more than 5,000,000 bytes, which are not downloaded"):
        fetch(at_address(five, serve(endless)), tmp_path)
    assert raw_names(tmp_path) == []


@pytest.mark.parametrize("head", ["", "chunked"])
def test_an_address_that_drips_is_left(
    five: MakeCohort, serve: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str
) -> None:
    def dripping(handler: BaseHTTPRequestHandler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        if head:
            handler.send_header("Transfer-Encoding", head)
        handler.end_headers()
        with suppress(OSError):
            for _ in range(200):
                handler.wfile.write(b"1\r\nI\r\n" if head else b"I")
                time.sleep(0.05)

    monkeypatch.setattr("riskkit.cohort.fetch.PATIENCE", 0.5)
    began = time.monotonic()
    with pytest.raises(DataUnavailable, match="gives fewer than 1,000 bytes a second"):
        fetch(at_address(five, serve(dripping)), tmp_path)
    assert time.monotonic() - began < 9  # of the ten seconds for which it drips
    assert raw_names(tmp_path) == []


def test_a_gz_that_unpacks_without_end_is_refused(
    five: MakeCohort, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("riskkit.cohort.files.BOMB", 1_000_000)
    (shelf / "five" / "people.csv.gz").write_bytes(gzip.compress(PEOPLE.encode() + b" " * 30_000_000))
    with pytest.raises(DataError, match="unpacks to more than 500 times its size"):
        fetch(load_cohort_spec(five(raw=False)), tmp_path, mirror=shelf)


@pytest.mark.parametrize("mirror", ["../../etc", "/etc", "..", ".", "a/b", "a\\\\b", ""])
def test_a_mirror_is_a_folder_s_name_and_no_way_out(five: MakeCohort, mirror: str) -> None:
    declared = f'[fetch]\nmirror = "{mirror}"\n'
    with pytest.raises(SpecError, match=r"fetch\.mirror"):
        load_cohort_spec(five((('[fetch]\nmirror = "five"\n', declared),), raw=False))


def test_the_publisher_s_file_is_known_by_its_sha256(five: MakeCohort, shelf: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256(PEOPLE.encode()).hexdigest()
    declared = ('format = "csv"', f'format = "csv"\nsha256 = "{digest}"')
    spec = load_cohort_spec(five((declared,), raw=False))
    (shelf / "five" / "people.csv.gz").write_bytes(gzip.compress(PEOPLE.replace("1", "2", 1).encode()))
    with pytest.raises(DataError, match=r"PEOPLE\.CSV is not the publisher's file: .* --accept'"):
        fetch(spec, tmp_path, mirror=shelf)
    assert raw_names(tmp_path) == []
    (shelf / "five" / "people.csv.gz").write_bytes(gzip.compress(PEOPLE.encode()))
    assert fetch(spec, tmp_path, mirror=shelf)[0].sha256 == digest


def test_another_file_than_the_publisher_s_can_be_accepted(five: MakeCohort, shelf: Path, tmp_path: Path) -> None:
    declared = ('format = "csv"', f'format = "csv"\nsha256 = "{"0" * 64}"')
    spec = load_cohort_spec(five((declared,), raw=False))
    first = fetch(spec, tmp_path, mirror=shelf, accept=True)
    assert fetch(spec, tmp_path) == first
    assert build(spec, tmp_path / "build" / "raw" / "five").sources == first


def test_the_official_file_of_deaths_is_known(mirror: Path) -> None:
    spec = load_cohort_spec(Path(__file__).parents[2] / "cohorts" / "nhanes3.toml")
    content = (mirror / "nhanes3" / "NHANES_III_MORT_2019_PUBLIC.dat").read_bytes()
    assert spec.files["deaths"].sha256 == hashlib.sha256(content).hexdigest()
