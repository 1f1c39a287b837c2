from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from results_example import example_results

from riskkit.figures.panels import Panel, layout_for
from riskkit.figures.spline import HISTOGRAM_SHARE, Lowest, Reference, comparison, spline
from riskkit.figures.theme import panel_limits
from riskkit.telling.associations import main_rows

RESULTS = example_results(1, 5)
CURVES = main_rows(RESULTS.curves, RESULTS.manifest, "igf1", "spline")
PANELS = [Panel("all_causes", "Death from any cause", "2,400 events"), Panel("cancer", "Death from cancer")]
KNOTS = RESULTS.manifest.exposures["igf1"].knots


def drawn(panels: list[Panel] = PANELS, narrow: bool = False) -> Figure:
    return spline(
        CURVES, RESULTS.histograms, panels, xlabel="IGF-I (ng/mL)", ylabel="HR", knots=KNOTS,
        reference=Reference(150.0, "Reference"), narrow=narrow,
    )  # fmt: skip


def line(ax: Axes, label: str) -> np.ndarray:
    return next(found for found in ax.get_lines() if found.get_label() == label).get_xydata()


def test_each_curve_is_its_frame() -> None:
    for ax in drawn().axes:
        rows = CURVES[CURVES["outcome"] == ax.get_label()]
        assert np.array_equal(line(ax, "ratio"), rows[["x", "ratio"]].to_numpy())
        band = next(c for c in ax.collections if c.get_label() == "confidence band").get_paths()[0].vertices
        assert band[:, 1].min() == pytest.approx(rows["low"].min())
        assert band[:, 1].max() == pytest.approx(rows["high"].max())


def test_the_reference_and_the_knots_are_marked() -> None:
    for ax in drawn().axes:
        assert line(ax, "reference").tolist() == [[150, 1]]
        assert line(ax, "knots")[:, 0].tolist() == list(KNOTS)


def test_the_lowest_point_stands_on_its_curve_with_its_interval_at_the_foot() -> None:
    figure = spline(
        CURVES, RESULTS.histograms, PANELS, xlabel="x", ylabel="y", reference=Reference(150.0, "Reference"),
        lowest={"all_causes": Lowest(161.0, 140.0, None)},
    )  # fmt: skip
    first, second = figure.axes
    x, ratio = line(first, "lowest")[0]
    rows = CURVES[CURVES["outcome"] == "all_causes"]
    assert x == 161
    assert ratio == rows.loc[(rows["x"] - 161).abs().idxmin(), "ratio"]
    assert line(first, "interval of lowest")[:, 0].tolist() == [140, rows["x"].max()]
    arrow = next(found for found in first.get_lines() if found.get_label() == "open end")
    assert (arrow.get_marker(), arrow.get_xdata()[0]) == (">", rows["x"].max())
    assert not any(found.get_label() == "lowest" for found in second.get_lines())


def test_the_histogram_stays_below_the_curves() -> None:
    for ax in drawn().axes:
        patch = next(p for p in ax.patches if p.get_label() == "people")
        assert patch.get_data().values.max() == pytest.approx(0.9 * HISTOGRAM_SHARE)
        lowest = CURVES[CURVES["outcome"].isin(["all_causes", "cancer"])]["ratio"].min()
        share = ax.transAxes.inverted().transform(ax.transData.transform((150, lowest)))[1]
        assert share > HISTOGRAM_SHARE


def test_panels_share_the_exposure_have_a_ratio_axis_of_their_own_and_say_what_they_show() -> None:
    figure = drawn()
    first, second = figure.axes
    for ax in (first, second):
        rows = CURVES[CURVES["outcome"] == ax.get_label()]
        assert ax.get_ylim()[1] == pytest.approx(panel_limits(rows["ratio"], rows["low"], rows["high"])[1])
    assert first.get_xlim() == second.get_xlim()
    texts = [text.get_text() for text in first.texts]
    assert "Death from any cause" in texts
    assert "2,400 events" in texts
    assert {text.get_text() for text in figure.texts} == {"IGF-I (ng/mL)", "HR"}


def test_a_curve_that_leaves_its_axis_ends_in_an_arrow_at_0_33_and_3() -> None:
    steep = CURVES.assign(**{name: CURVES[name] ** 12 for name in ("ratio", "low", "high")})
    panels = [Panel(name, name) for name in ("all_causes", "cancer")]
    figure = spline(steep, RESULTS.histograms, panels, xlabel="x", ylabel="y", reference=Reference(150.0, ""))
    ends = 0
    for ax in figure.axes:
        rows = steep[steep["outcome"] == ax.get_label()].sort_values("x")
        assert ax.get_ylim()[1] <= 3.0
        arrows = [found for found in ax.get_lines() if found.get_label() == "goes on"]
        inside = rows["ratio"].between(1 / 3, 3).to_numpy()
        crossings = int((inside[1:] != inside[:-1]).sum())
        assert len(arrows) == crossings
        ends += crossings
        assert {round(float(arrow.get_ydata()[0]), 2) for arrow in arrows} <= {0.33, 3.0}
        (curve,) = (found for found in ax.get_lines() if found.get_label() == "ratio")
        figure.draw_without_rendering()
        box = curve.get_clip_box().transformed(ax.transData.inverted())
        assert (box.y0, box.y1) == pytest.approx(panel_limits(rows["ratio"], rows["low"], rows["high"]), rel=1e-6)
    assert ends


def test_no_panel_stands_alone_in_the_last_row() -> None:
    for panels in range(2, 13):
        columns = layout_for(panels, narrow=False).columns
        assert panels % columns != 1, panels
        assert columns <= 4


def test_long_names_of_models_stay_inside_the_figure() -> None:
    curves = RESULTS.curves.query("exposure == 'igf1' and time_scale == 'age'")
    long = "Age, sex, ethnicity, education, smoking, alcohol, physical activity, body mass index and diabetes at entry"
    series = {"age-sex": long, "lifestyle": f"+ {long} (main model)"}
    for narrow in (False, True):
        figure = comparison(
            curves.assign(series=curves["model"]), RESULTS.histograms, PANELS, series, "lifestyle", xlabel="x",
            ylabel="y", reference=Reference(150.0, ""), narrow=narrow,
        )  # fmt: skip
        figure.draw_without_rendering()
        (legend,) = figure.legends
        box = legend.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert 0 <= box.y0 < box.y1
        assert not any(box.overlaps(ax.get_tightbbox()) for ax in figure.axes)
        shown = " ".join(text.get_text() for text in legend.get_texts()).replace("\n", " ")
        assert shown == " ".join(series.values())


def test_a_narrow_figure_has_one_column() -> None:
    figure = drawn(narrow=True)
    assert len({ax.get_position().x0 for ax in figure.axes}) == 1
    assert figure.get_size_inches()[0] < 4


def test_five_outcomes_stand_in_three_columns_and_none_overlap() -> None:
    figure = drawn([Panel(name, outcome.label) for name, outcome in RESULTS.manifest.outcomes.items()])
    boxes = [ax.get_position() for ax in figure.axes]
    assert len(boxes) == 5
    assert len({round(box.x0, 6) for box in boxes}) == 3
    for i, one in enumerate(boxes):
        assert 0 <= one.x0 < one.x1 <= 1
        assert 0 <= one.y0 < one.y1 <= 1
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])


def test_a_label_may_hold_a_dollar_sign() -> None:
    figure = drawn([Panel("cancer", r"Cost in $ and \frac{$")])
    assert r"Cost in $ and \frac{$" in [text.get_text() for text in figure.axes[0].texts]
    figure.canvas.draw()


def test_models_are_drawn_over_each_other_with_the_main_one_thick() -> None:
    curves = RESULTS.curves.query("exposure == 'igf1' and time_scale == 'age'")
    series = {"age-sex": "Age and sex", "lifestyle": "+ smoking (main model)"}
    figure = comparison(
        curves.assign(series=curves["model"]), RESULTS.histograms, PANELS, series, "lifestyle", xlabel="x", ylabel="y",
        reference=Reference(150.0, ""),
    )  # fmt: skip
    for ax in figure.axes:
        widths = {found.get_label(): found.get_linewidth() for found in ax.get_lines()}
        assert widths["+ smoking (main model)"] > widths["Age and sex"]
        rows = curves[(curves["model"] == "age-sex") & (curves["outcome"] == ax.get_label())]
        assert np.array_equal(line(ax, "Age and sex")[:, 1], rows["ratio"])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(series.values())
