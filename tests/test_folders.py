"""Folders and files that appear whole or not at all: writers that are killed, that meet, and that find no room."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from riskkit import folders
from riskkit.errors import DataError, StorageError
from riskkit.folders import check_sums, scratch, tidy, told, whole_file, whole_folder

FILES = 40
WRITER = f"""
import sys, time
from pathlib import Path
from riskkit.folders import whole_folder
folder, word = Path(sys.argv[1]), sys.argv[2]
while True:
    with whole_folder(folder) as new:
        for i in range({FILES}):
            (new / f"{{i}}.txt").write_text(word * 1000)
    print("written", flush=True)
    time.sleep(0.02)
"""


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("in_one_step", [True, False])
def test_the_new_folder_takes_the_place_of_the_old_one(tmp_path, monkeypatch, in_one_step):
    if not in_one_step:
        monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    for word in ("old", "new"):
        with whole_folder(tmp_path / "a" / "b") as new:
            (new / word).write_text(word)
    assert contents(tmp_path / "a" / "b") == {"new": "new"}
    assert os.listdir(tmp_path / "a") == ["b"]


def test_a_block_that_fails_leaves_the_old_folder_and_nothing_else(tmp_path):
    with whole_folder(tmp_path / "a") as new:
        (new / "x").write_text("old")
    with pytest.raises(UnicodeEncodeError), whole_folder(tmp_path / "a") as new:
        (new / "x").write_text("new\udc80", encoding="utf-8")
    assert contents(tmp_path / "a") == {"x": "old"}
    assert os.listdir(tmp_path) == ["a"]


def test_a_writer_killed_at_any_moment_leaves_a_whole_folder_and_what_it_left_is_tidied(tmp_path):
    folder = tmp_path / "a"
    with whole_folder(folder) as new:
        for i in range(FILES):
            (new / f"{i}.txt").write_text("0" * 1000)
    for kill in range(12):
        writer = start(WRITER, str(folder), str(kill % 10))
        writer.stdout.readline()
        time.sleep(0.003 * kill)
        end(writer)
        found = contents(folder)
        assert len(found) == FILES
        assert len(set(found.values())) == 1
    tidy(tmp_path)
    assert os.listdir(tmp_path) == ["a"]


def test_two_writers_of_one_folder_wait_for_each_other(tmp_path):
    writers = [start(WRITER, str(tmp_path / "a"), word) for word in "xy"]
    for writer in writers:
        assert [writer.stdout.readline() for _ in range(5)] == ["written\n"] * 5
    for writer in writers:
        end(writer)
    found = contents(tmp_path / "a")
    assert len(found) == FILES
    assert len(set(found.values())) == 1


def test_a_second_writer_that_has_waited_long_enough_is_told_so(tmp_path):
    said = []

    def second() -> None:
        try:
            with whole_folder(tmp_path / "a", wait=0.1):
                said.append("wrote")
        except StorageError as error:
            said.append(str(error))

    with whole_folder(tmp_path / "a"):
        tidy(tmp_path)  # which must not take away what is being written
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert said == [f"{tmp_path / 'a'}: another process is writing it. Wait until that has ended, and run again."]
    assert os.listdir(tmp_path) == ["a"]


def test_what_died_between_two_renames_is_put_back(tmp_path):
    left = tmp_path / ".a.partial" / "old"
    left.mkdir(parents=True)
    (left / "x").write_text("old")
    tidy(tmp_path)
    assert contents(tmp_path / "a") == {"x": "old"}


def test_a_file_system_without_locks_gets_a_name_that_nobody_else_has(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(folders.fcntl, "flock", refuse)
    with whole_folder(tmp_path / "a") as one, whole_folder(tmp_path / "a") as other:
        assert one != other
        (one / "x").write_text("1")
        (other / "x").write_text("2")
    assert contents(tmp_path / "a") == {"x": "1"}
    assert os.listdir(tmp_path) == ["a"]


def test_a_link_is_not_followed_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis").write_text("mine")
    (tmp_path / "report").symlink_to(tmp_path / "home")
    with pytest.raises(StorageError, match="is a link"), whole_folder(tmp_path / "report"):
        pass
    assert contents(tmp_path / "home") == {"thesis": "mine"}


def test_a_file_where_a_folder_should_be_and_the_other_way_round(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="file where a folder should be"), whole_folder(tmp_path / "file"):
        pass
    with pytest.raises(StorageError, match="folder where a file should be"), whole_file(tmp_path / "folder"):
        pass
    with (
        pytest.raises(StorageError, match="file: is a file where a folder should be"),
        whole_file(tmp_path / "file" / "x"),
    ):
        pass


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    for word in ("old", "new"):
        with whole_file(tmp_path / "a.gz") as part:
            assert part.suffix == ".gz"
            part.write_text(word)
    with pytest.raises(UnicodeEncodeError), whole_file(tmp_path / "a.gz") as part:
        part.write_text("half\udc80", encoding="utf-8")
    assert contents(tmp_path) == {"a.gz": "new"}


def test_sums_are_those_of_sha256sum_and_find_a_bit_that_flipped(tmp_path):
    with whole_folder(tmp_path / "a", sums=True) as new:
        (new / "x").write_bytes(b"\x00\x01")
        (new / "y z").write_text("2")
    check_sums(tmp_path / "a")
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=tmp_path / "a", check=True)
    (tmp_path / "a" / "x").write_bytes(b"\x00\x03")
    with pytest.raises(DataError, match="x: is damaged or was changed"):
        check_sums(tmp_path / "a")
    (tmp_path / "a" / "x").unlink()
    with pytest.raises(DataError, match="x: is missing"):
        check_sums(tmp_path / "a")
    (tmp_path / "a" / "SHA256SUMS").write_bytes(b"\xff\xfe nonsense")
    with pytest.raises(DataError, match="SHA256SUMS: is damaged"):
        check_sums(tmp_path / "a")
    (tmp_path / "a" / "SHA256SUMS").unlink()
    with pytest.raises(DataError, match="SHA256SUMS: is missing"):
        check_sums(tmp_path / "a")


@pytest.mark.parametrize(
    ("number", "sentence"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "read-only"), (errno.EDQUOT, "the quota")],
)
def test_what_the_system_refuses_is_one_sentence_and_the_old_folder_stays(tmp_path, number, sentence):
    with whole_folder(tmp_path / "a") as new:
        (new / "x").write_text("old")
    with pytest.raises(StorageError, match=rf"a: .*{sentence}"), whole_folder(tmp_path / "a") as new:
        raise OSError(number, "refused")
    assert contents(tmp_path / "a") == {"x": "old"}


def test_other_errors_of_the_system_stay_what_they_are():
    with pytest.raises(FileNotFoundError), told("x"):
        raise FileNotFoundError(errno.ENOENT, "x")


def test_a_folder_that_may_not_be_written_to_is_told(tmp_path):
    if os.getuid() == 0:
        pytest.skip("nothing is forbidden to root")
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o500)
    with pytest.raises(StorageError, match="not permitted"), whole_folder(tmp_path / "a" / "b"):
        pass


def test_temporary_data_of_people_go_with_whoever_died_over_them(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    code = "from riskkit.folders import scratch\nwith scratch() as s: print(s, flush=True); input()"
    writer = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    left = Path(writer.stdout.readline().strip())
    assert left.parent.parent == tmp_path
    with scratch() as own:
        assert left.is_dir()  # its writer lives
        assert own.stat().st_mode & 0o777 == 0o700
    end(writer)
    writer.stdin.close()
    with scratch():
        assert not left.exists()
    assert os.listdir(tmp_path) == []
