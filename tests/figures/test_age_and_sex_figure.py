from __future__ import annotations

import pandas as pd
import pytest

from riskkit.questions.people.age_and_sex import age_and_sex


def described(sexes: tuple[str, ...] = ("Women", "Men")) -> pd.DataFrame:
    rows = []
    for i, sex in enumerate(sexes):
        for age in range(22, 90, 5):
            middle = 300.0 - 2 * age + 10 * i * (age < 60)
            rows.append(
                {"sex": sex, "age": age, "n": 50, **{f"p{p}": middle + 2 * (p - 50) for p in (5, 25, 50, 75, 95)}}
            )
    return pd.DataFrame(rows)


def test_each_sex_has_its_median_and_bands_beside_the_median_of_the_other() -> None:
    frame = described()
    figure = age_and_sex(frame, xlabel="Age", ylabel="IGF-I")
    medians = {sex: rows["p50"].tolist() for sex, rows in frame.groupby("sex")}
    for ax, (sex, other) in zip(figure.axes, (("Women", "Men"), ("Men", "Women")), strict=True):
        assert [line.get_ydata().tolist() for line in ax.get_lines()] == [medians[other], medians[sex]]
        own = frame[frame["sex"] == sex]
        for label, low, high in (("middle nine tenths", "p5", "p95"), ("middle half", "p25", "p75")):
            band = next(c for c in ax.collections if c.get_label() == label).get_paths()[0].vertices[:, 1]
            assert (band.min(), band.max()) == (own[low].min(), own[high].max())
        assert {text.get_text() for text in ax.texts} == {sex, "700 people"}
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim() == pytest.approx((0, frame["p95"].max() * 1.03))


def test_one_sex_is_enough_and_a_narrow_figure_has_one_column() -> None:
    assert len(age_and_sex(described(("Women",)), xlabel="Age", ylabel="IGF-I").axes) == 1
    narrow = age_and_sex(described(), xlabel="Age", ylabel="IGF-I", narrow=True)
    assert len({ax.get_position().x0 for ax in narrow.axes}) == 1
    assert {text.get_text() for text in narrow.texts} == {"Age", "IGF-I"}
