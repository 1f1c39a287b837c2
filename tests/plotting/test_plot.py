"""rk.plot draws what it is given, on the axes it is given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import riskkit as rk
from riskkit.errors import SpecError


def people(n: int = 800) -> pd.DataFrame:
    r = np.random.default_rng(3)
    data = pd.DataFrame({"age": r.normal(60, 8, n), "igf1": r.gamma(14, 11, n), "sex": r.choice(["Men", "Women"], n)})
    time = r.exponential(10 * np.exp(-0.05 * (data["age"] - 60)))
    return data.assign(time=np.minimum(time, 8) + 0.001, event=(time < 8).astype(int))


DATA = people()
CURVED = rk.cox("Surv(time, event) ~ rcs(igf1, 4) + age + sex", DATA)
GROUPED = rk.cox("Surv(time, event) ~ fifths(igf1) + age", DATA)


def axes() -> Axes:
    return Figure().add_subplot()


def line(ax: Axes, label: str) -> np.ndarray:
    return next(found for found in ax.get_lines() if found.get_label() == label).get_xydata()


def test_the_curve_of_a_fit_is_rk_curve() -> None:
    ax = axes()
    assert rk.plot(CURVED, "igf1", ax=ax, reference=150.0, xlabel="IGF-I") is ax
    frame = rk.curve(CURVED, "igf1", reference=150.0)
    assert np.array_equal(line(ax, "ratio"), frame[["x", "ratio"]].to_numpy())
    assert line(ax, "reference").tolist() == [[150, 1]]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("IGF-I", "Hazard ratio", "log")
    again = rk.plot(frame, ax=axes())
    assert np.array_equal(line(again, "ratio"), line(ax, "ratio"))


def test_groups_have_floating_intervals() -> None:
    ax = rk.plot(GROUPED, "igf1", ax=axes(), labels={"Q1": "lowest"})
    frame = rk.floating(GROUPED, "igf1")
    boxes = [found.get_ydata()[0] for found in ax.get_lines() if found.get_label() == "box"]
    assert boxes == frame["ratio"].tolist()
    first = line(ax, "interval")
    assert first[:, 1].tolist() == pytest.approx(frame.loc[0, ["low", "high"]].tolist())
    assert [text.get_text() for text in ax.get_xticklabels()][:2] == ["lowest", "Q2"]


def test_a_forest_has_every_coefficient_with_its_numbers() -> None:
    ax = rk.plot(GROUPED, ax=axes(), labels={"age": "Age"})
    tidy = GROUPED.tidy()
    boxes = [found.get_xdata()[0] for found in ax.get_lines() if found.get_label() == "box"]
    assert boxes == tidy["ratio"].tolist()
    assert ax.get_yticklabels()[-1].get_text() == "Age"
    last = tidy.iloc[-1]
    assert ax.texts[-1].get_text() == f"{last['ratio']:.2f} ({last['low']:.2f}–{last['high']:.2f})"


def test_a_forest_of_differences_is_about_zero_and_has_no_intercept() -> None:
    fit = rk.linear("igf1 ~ age + sex", DATA)
    ax = rk.plot(fit, ax=axes())
    assert ax.get_xscale() == "linear"
    assert line(ax, "no difference")[:, 0].tolist() == [0, 0]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["age", "sex=Women"]
    interval = line(ax, "interval")[:, 0]
    assert interval.tolist() == pytest.approx(fit.tidy().loc[1, ["difference_low", "difference_high"]].tolist())


def test_incidence_of_groups_and_of_all() -> None:
    at = np.linspace(0, 8, 30)
    men, women = (DATA[DATA["sex"] == sex] for sex in ("Men", "Women"))
    frames = [rk.incidence(d["time"], d["event"], at=at).assign(level=d["sex"].iloc[0]) for d in (men, women)]
    ax = rk.plot(pd.concat(frames), ax=axes())
    assert np.array_equal(line(ax, "Women"), frames[1][["time", "estimate"]].to_numpy())
    alone = rk.incidence(DATA["time"], DATA["event"])
    assert np.array_equal(line(rk.plot(alone, ax=axes()), "All"), alone[["time", "estimate"]].to_numpy())
    own = [rk.incidence(d["time"], d["event"]).assign(level=d["sex"].iloc[0]) for d in (men, women)]
    with pytest.raises(SpecError, match="same times"):
        rk.plot(pd.concat(own), ax=axes())


def test_a_ratio_over_time_with_the_one_of_the_model() -> None:
    frame = rk.schoenfeld_smooth(CURVED, "age")
    ratio = float(np.exp(CURVED.params["age"]))
    ax = rk.plot(frame, ax=axes(), constant=ratio)
    assert np.array_equal(line(ax, "ratio"), frame[["time", "ratio"]].to_numpy())
    assert line(ax, "constant")[:, 1].tolist() == [ratio, ratio]


def test_new_axes_are_of_a_figure_that_a_notebook_shows_and_others_keep_their_size() -> None:
    before = pyplot.get_fignums()
    ax = rk.plot(CURVED, "igf1")
    assert len(pyplot.get_fignums()) == len(before) + 1
    pyplot.close(ax.get_figure())
    figure = Figure(figsize=(8, 6), layout="constrained")
    ax = figure.subplots(2, 2)[0, 0]
    rk.plot(CURVED, "igf1", ax=ax)
    figure.draw_without_rendering()
    assert ax.get_position().height > 0.35


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2],), "a list is not drawn"),
        ((DATA,), "no known kind"),
        ((DATA.assign(term="a", ratio=1, low=1, high=1).iloc[:0],), "no rows"),
        ((CURVED.tidy(), "age"), "drawn as it is"),
        ((CURVED, "igf2"), "not in the model"),
        ((rk.linear("igf1 ~ age", DATA), "age"), "drawn as ratios"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(arguments, message) -> None:
    with pytest.raises(SpecError, match=message):
        rk.plot(*arguments, ax=axes())


def test_arguments_that_do_not_belong_are_refused() -> None:
    with pytest.raises(SpecError, match="belongs to a ratio over time"):
        rk.plot(CURVED, "igf1", ax=axes(), constant=1.0)
    with pytest.raises(SpecError, match=r"'lables'.*'labels'"):
        rk.plot(CURVED, ax=axes(), lables={})
