from __future__ import annotations

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from riskkit.questions.people.flow import Step, flow

STEPS = [
    Step("Serum measured", 0, 6061),
    Step("Not eligible for linkage to death records, which needs a name or a social security number", 5, 6056),
    Step("Followed for less than one month", 0, 6056),
]


def texts(figure: Figure) -> list[str]:
    return [text.get_text().replace("\n", " ") for text in figure.axes[0].texts]


def test_every_step_has_its_box_and_numbers_even_one_that_removed_nobody() -> None:
    figure = flow(STEPS, "Analysed")
    shown = texts(figure)
    for expected in ("Serum measured", "6,061", STEPS[1].label, "−5", "6,056", "Followed for less than one month", "0"):
        assert expected in shown
    assert shown[-2:] == ["Analysed", "6,056"]


@pytest.mark.parametrize("narrow", [False, True])
def test_boxes_do_not_overlap_and_hold_their_text(narrow: bool) -> None:
    figure = flow(STEPS, "Analysed", narrow=narrow)
    figure.canvas.draw()
    boxes = [p.get_window_extent() for p in figure.axes[0].patches if isinstance(p, FancyBboxPatch)]
    assert len(boxes) == 4
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[i + 1 :])
    label = next(t for t in figure.axes[0].texts if t.get_text().startswith("Not eligible")).get_window_extent()
    assert any(box.x0 <= label.x0 and label.x1 <= box.x1 and box.y0 <= label.y0 and label.y1 <= box.y1 for box in boxes)


def test_no_exclusions_at_all() -> None:
    assert "6,061" in texts(flow(STEPS[:1], "Analysed"))
