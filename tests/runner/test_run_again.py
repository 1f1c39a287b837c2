"""The same run again: the same bits, on a cluster too; interruption, and what is kept."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from distributed import LocalCluster

from riskkit.cohort.cohort import Cohort
from riskkit.results import Results
from riskkit.runner import queue, run
from riskkit.study.study import Job


def test_the_same_input_gives_the_same_bits(results, analysis, cohort):
    again = run(analysis, cohort)
    for name, frame in results.frames.items():
        pd.testing.assert_frame_equal(frame, getattr(again, name), check_exact=True, obj=name)


def test_an_interrupted_run_goes_on_where_it_was(results, analysis, cohort, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        whole = counted(patched)
        run(analysis, cohort)

    class Stop(Exception):
        pass

    def stop(done: int, total: int, what: str) -> None:
        if done > total / 2:
            raise Stop

    with pytest.raises(Stop):
        run(analysis, cohort, stop, keep=tmp_path / "kept")
    kept = len(list((tmp_path / "kept").iterdir()))
    assert kept > 3
    done = counted(monkeypatch)
    resumed = run(analysis, cohort, keep=tmp_path / "kept")
    assert 0 < len(done) == len(whole) - kept
    for name, frame in results.frames.items():
        pd.testing.assert_frame_equal(frame, resumed.frames[name], check_exact=True, obj=name)
    assert not (tmp_path / "kept").exists()


def counted(monkeypatch) -> list[str]:
    """Keys of the jobs that are done from now on."""
    done: list[str] = []
    do = Job.__call__
    monkeypatch.setattr(Job, "__call__", lambda job, study: done.append(job.key) or do(job, study))
    return done


def test_what_was_kept_for_another_analysis_is_not_taken(analysis, cohort, tmp_path, monkeypatch):
    done = counted(monkeypatch)
    monkeypatch.setattr(queue.Cache, "clear", lambda self: None)
    run(analysis, cohort, keep=tmp_path / "kept")
    jobs = len(done)
    assert jobs == len(set(done)) > 9
    run(analysis, cohort, keep=tmp_path / "kept")
    assert len(done) == jobs
    text = analysis.read_text()
    try:
        analysis.write_text(text.replace("min_events = 10", "min_events = 11"))
        run(analysis, cohort, keep=tmp_path / "kept")
    finally:
        analysis.write_text(text)
    assert len(done) == 2 * jobs
    changed = replace(cohort, data=cohort.data.assign(a=cohort.data["a"].to_numpy()[::-1]))
    run(analysis, changed, keep=tmp_path / "kept")  # the same description of other people
    assert len(done) == 3 * jobs


def test_what_was_kept_and_is_not_whole_is_done_again(results, analysis, cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(queue.Cache, "clear", lambda self: None)
    run(analysis, cohort, keep=tmp_path / "kept")
    places = sorted((tmp_path / "kept").iterdir())
    next(places[0].glob("*.parquet"), places[0] / "SHA256SUMS").unlink()
    victim = next(path for path in places[1].iterdir() if path.suffix == ".parquet")
    victim.write_bytes(victim.read_bytes()[:-20] + b"x" * 20)
    done = counted(monkeypatch)
    again = run(analysis, cohort, keep=tmp_path / "kept")
    assert len(done) == 2
    for name, frame in results.frames.items():
        pd.testing.assert_frame_equal(frame, again.frames[name], check_exact=True, obj=name)


def test_results_can_be_written_and_read(results, tmp_path):
    results.write(tmp_path / "there")
    back = Results.read(tmp_path / "there")
    for name, frame in results.frames.items():
        read = getattr(back, name)
        assert list(read) == list(frame)
        for column in frame:
            present = frame[column].notna()
            assert present.equals(read[column].notna()), (name, column)
            assert frame.loc[present, column].tolist() == read.loc[present, column].tolist(), (name, column)
    assert back.manifest.analysis.name == "marker"
    assert [p.name for p in tmp_path.iterdir()] == ["there"]


def test_a_dask_cluster_gives_the_same_bits_and_is_sent_the_people_once(results, analysis, cohort, monkeypatch):
    sent = []
    reduce = object.__reduce_ex__
    monkeypatch.setattr(
        Cohort, "__reduce_ex__", lambda self, protocol: sent.append(1) or reduce(self, protocol), raising=False
    )
    jobs = counted(monkeypatch)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        elsewhere = run(analysis, cohort, scheduler=cluster.scheduler_address)
    assert not jobs  # all of them were done by the workers
    assert len(sent) <= 4  # once for each of the two rounds of jobs, and to tell whether it is there already
    for name, frame in results.frames.items():
        found = elsewhere.frames[name]
        if name == "cross_check":  # the workers ask R where it is installed
            found = found[~found["software"].str.startswith("R's")].reset_index(drop=True)
        pd.testing.assert_frame_equal(frame, found, check_exact=True, obj=name)
