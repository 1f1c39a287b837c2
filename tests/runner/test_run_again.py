"""The same run again: the same bits, on a cluster too; interruption, and what is kept."""

from __future__ import annotations

import pandas as pd
import pytest
from distributed import LocalCluster

from riskkit.results import Results
from riskkit.runner import fits, grid, run


def test_the_same_input_gives_the_same_bits(results, analysis, cohort):
    again = run(analysis, cohort)
    for name, frame in results.frames().items():
        pd.testing.assert_frame_equal(frame, getattr(again, name), check_exact=True, obj=name)


def test_an_interrupted_run_goes_on_where_it_was(results, analysis, cohort, tmp_path, monkeypatch):
    class Stop(Exception):
        pass

    def stop(done: int, total: int, what: str) -> None:
        if done > total / 2:
            raise Stop

    with pytest.raises(Stop):
        run(analysis, cohort, stop, keep=tmp_path / "kept")
    kept = len(list((tmp_path / "kept").iterdir()))
    assert kept > 3
    calls = []
    monkeypatch.setattr(grid, "fit_batch", lambda *a: calls.append(a[0]) or fits.fit_batch(*a))
    resumed = run(analysis, cohort, keep=tmp_path / "kept")
    assert len(calls) == 9 - kept
    for name, frame in results.frames().items():
        pd.testing.assert_frame_equal(frame, getattr(resumed, name), check_exact=True, obj=name)
    assert not (tmp_path / "kept").exists()


def test_what_was_kept_for_another_analysis_is_not_taken(analysis, cohort, tmp_path, monkeypatch):
    calls, known = [], {}

    def fit_once(*arguments):
        """Fit each batch a single time: only how often it is asked for matters here."""
        calls.append(arguments[0])
        if arguments[0] not in known:
            known[arguments[0]] = fits.fit_batch(*arguments)
        return known[arguments[0]]

    monkeypatch.setattr(grid, "fit_batch", fit_once)
    monkeypatch.setattr(grid.Bench, "clear", lambda self: None)
    run(analysis, cohort, keep=tmp_path / "kept")
    assert len(calls) == 9
    run(analysis, cohort, keep=tmp_path / "kept")
    assert len(calls) == 9
    text = analysis.read_text()
    try:
        analysis.write_text(text.replace("min_events = 10", "min_events = 11"))
        run(analysis, cohort, keep=tmp_path / "kept")
    finally:
        analysis.write_text(text)
    assert len(calls) == 18


def test_results_can_be_written_and_read(results, tmp_path):
    results.write(tmp_path / "there")
    back = Results.read(tmp_path / "there")
    for name, frame in results.frames().items():
        read = getattr(back, name)
        assert list(read) == list(frame)
        for column in frame:
            present = frame[column].notna()
            assert present.equals(read[column].notna()), (name, column)
            assert frame.loc[present, column].tolist() == read.loc[present, column].tolist(), (name, column)
    assert back.manifest["analysis"]["name"] == "marker"
    assert [p.name for p in tmp_path.iterdir()] == ["there"]


def test_a_dask_cluster_gives_the_same_bits(results, analysis, cohort):
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        elsewhere = run(analysis, cohort, scheduler=cluster.scheduler_address)
    for name, frame in results.frames().items():
        pd.testing.assert_frame_equal(frame, getattr(elsewhere, name), check_exact=True, obj=name)
