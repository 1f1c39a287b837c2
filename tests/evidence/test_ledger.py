"""The ledger: verdicts follow from the rules, pools from the rows, and simulated data never count."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import riskkit as rk
from riskkit.evidence.ledger import OwnEstimate, make_ledger, selection_faults
from riskkit.evidence.side_tables import read_agents, read_levels, reference_of
from riskkit.evidence.table import read_published
from riskkit.evidence.verdicts import RULES, VERDICTS, judge, lean
from riskkit.spec.evidence import ClaimSpec, load_evidence

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "analyses"
SPEC = load_evidence(Path(__file__).resolve().parents[2] / "analyses" / "igf1-evidence.toml")
TABLE = read_published(FOLDER / SPEC.estimates)
AGENTS = read_agents(FOLDER / SPEC.agents)
WOMEN = reference_of(read_levels(FOLDER / SPEC.levels), SPEC.reference.population)
LEDGER = make_ledger(SPEC, TABLE, agents=AGENTS, reference=WOMEN)
VERDICT = LEDGER.claims.set_index("claim")["verdict"]


def claim(expects: str = "above 1", **others: str) -> ClaimSpec:
    return ClaimSpec(id="a", question="q", claim="c", said_in="s", expects=expects, **others)


def test_every_claim_finds_its_rows():
    assert not list(selection_faults(SPEC, TABLE, AGENTS))
    assert LEDGER.claims["claim"].tolist() == [each.id for each in SPEC.claims]
    assert set(VERDICT) <= set(VERDICTS)
    assert all(word in RULES for word in ("supported", "contradicted", "mixed", "too little", "at one end only"))


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("breast", "supported"),
        ("thyroid", "supported"),
        ("acromegaly-colorectal", "supported"),
        ("coronary-heart-disease", "supported at one end only"),
        ("cardiovascular-disease", "supported"),
        ("all-cause-mortality-reviews", "supported"),
        ("insulin-resistance", "supported"),
        ("cancer-mortality", "supported at one end only"),
        ("diabetes", "supported"),
        ("metabolic-syndrome", "too little here"),
        ("secretagogues", "supported"),
        ("tamoxifen", "supported"),
        ("testosterone", "too little here"),
        ("senescence", "not testable here"),
        ("congenital-deficiency", "not testable here"),
    ],
)
def test_verdicts_on_igf1(name, verdict):
    assert VERDICT[name] == verdict


def test_a_pool_is_the_meta_analysis_of_its_rows():
    rows = LEDGER.rows[(LEDGER.rows["claim"] == "all-cause-mortality") & (LEDGER.rows["end"] == "low")]
    assert set(rows["study"]) == {"Xie 2023", "van Bunderen 2010", "Friedrich 2009", "Sanders 2018"}
    fit = rk.meta(rows[rows["used"]], test="knapp-hartung")
    found = LEDGER.pooled[(LEDGER.pooled["claim"] == "all-cause-mortality") & (LEDGER.pooled["end"] == "low")].iloc[0]
    assert found["ratio"] == pytest.approx(float(np.exp(fit.coef[0])))
    assert found["predicted_low"] == pytest.approx(rk.prediction_interval(fit)["low"][0])
    assert rows["weight"].sum() == pytest.approx(100)


def test_a_single_study_does_not_outweigh_the_pool():
    """Deaths from cancer: Xie 2023 alone leaves out 1 at the low end, the three studies together do not."""
    low = LEDGER.rows[(LEDGER.rows["claim"] == "cancer-mortality") & (LEDGER.rows["end"] == "low")]
    pooled = LEDGER.pooled[(LEDGER.pooled["claim"] == "cancer-mortality") & (LEDGER.pooled["end"] == "low")]
    assert "for" in set(low["lean"])
    assert pooled["lean"].tolist() == ["open"]


def test_rows_that_are_not_pooled_say_why():
    rows = LEDGER.rows[LEDGER.rows["claim"] == "breast"]
    assert rows.loc[rows["used"], "study"].tolist() == ["Knuppel 2020"]
    assert (rows.loc[~rows["used"], "why"] != "").all()
    pooled = LEDGER.pooled[LEDGER.pooled["claim"] == "breast"].iloc[0]
    assert (pooled["studies"], pooled["note"]) == (1, "one study")
    assert [round(float(pooled[name]), 2) for name in ("ratio", "low", "high")] == [1.11, 1.07, 1.15]
    assert np.isnan(pooled["predicted_low"])


def test_contrasts_are_brought_onto_one_scale():
    rows = LEDGER.rows[(LEDGER.rows["claim"] == "prostate") & LEDGER.rows["used"]].set_index("study")
    apart = WOMEN.group(5, 5) - WOMEN.group(1, 5)
    assert rows.loc["Travis 2016", "ratio"] == pytest.approx(1.29 ** (5 / apart))
    assert rows.loc["Travis 2016", "low"] == pytest.approx(1.16 ** (5 / apart))
    assert rows.loc["Knuppel 2020", "ratio"] == pytest.approx(1.08)


def test_one_cohort_is_pooled_once_whatever_the_contrast():
    text = SPEC.claims[0].published.model_copy(
        update={"contrast": ("per 5 nmol/L", "per SD"), "outcome": "colorectal cancer"}
    )
    spec = SPEC.model_copy(update={"claims": (SPEC.claims[0].model_copy(update={"published": text}),)})
    found = make_ledger(spec, TABLE, reference=WOMEN)
    assert found.pooled["studies"].tolist() == [1]


def test_own_estimates_count_and_simulated_ones_do_not():
    against = OwnEstimate("breast", "line", "igf1-cancer", 0.8, 0.7, 0.9, simulated=True)
    shown = make_ledger(SPEC, TABLE, agents=AGENTS, reference=WOMEN, own=[against])
    assert shown.claims.set_index("claim")["verdict"]["breast"] == "supported"
    assert shown.own["lean"].tolist() == ["against"]
    real = OwnEstimate("breast", "line", "igf1-cancer", 0.8, 0.7, 0.9)
    found = make_ledger(SPEC, TABLE, agents=AGENTS, reference=WOMEN, own=[real])
    assert found.claims.set_index("claim")["verdict"]["breast"] == "mixed"
    end = OwnEstimate("stroke", "high", "igf1-cardiovascular", 1.3, 1.1, 1.5)
    found = make_ledger(SPEC, TABLE, agents=AGENTS, reference=WOMEN, own=[end])
    assert found.claims.set_index("claim")["verdict"]["stroke"] == "supported"


@pytest.mark.parametrize(
    ("expects", "low", "high", "expected"),
    [
        ("above 1", 1.1, 1.5, "for"),
        ("above 1", 0.9, 1.5, "open"),
        ("above 1", 0.5, 0.9, "against"),
        ("below 1", 0.5, 0.9, "for"),
        ("below 1", 1.0, 1.2, "open"),
        ("U", 1.01, 2.0, "for"),
        ("above 1", float("nan"), float("nan"), "open"),
    ],
)
def test_leanings(expects, low, high, expected):
    assert lean(expects, low, high) == expected


@pytest.mark.parametrize(
    ("leans", "verdict"),
    [
        ([], "too little here"),
        (["open", "open"], "too little here"),
        (["open", "for"], "supported"),
        (["against", "open"], "contradicted"),
        (["for", "against", "open"], "mixed"),
    ],
)
def test_rules_of_a_line(leans, verdict):
    assert judge(claim(), {"line": leans})[0] == verdict


def test_rules_of_a_u_cover_every_pair_of_ends():
    expected = {
        ("for", "for"): "supported",
        ("for", "open"): "supported at one end only",
        ("for", "none"): "supported at one end only",
        ("open", "open"): "too little here",
        ("open", "none"): "too little here",
        ("none", "none"): "too little here",
    }
    for low, high in product(("for", "against", "open", "none", "mixed"), repeat=2):
        lists = {"none": [], "mixed": ["for", "against"]}
        found, because = judge(claim("U"), {"low": lists.get(low, [low]), "high": lists.get(high, [high])})
        if "mixed" in (low, high):
            assert found == "mixed"
        elif "against" in (low, high):
            assert found == "contradicted"
        else:
            assert found == expected.get((low, high), expected.get((high, low)))
        assert because.startswith("the low end")


def test_what_is_missing_or_cannot_be_tested_says_why():
    assert judge(claim(missing="nothing"), {"line": []}) == ("too little here", "nothing")
    because = LEDGER.claims.set_index("claim")["because"]
    assert "about cells" in because["senescence"]


def test_words_that_no_row_has_are_told_by_place():
    wrong = SPEC.claims[1].published.model_copy(update={"contrast": ("per 6 nmol/L",)})
    other = SPEC.claims[2].published.model_copy(update={"outcome": "colorectal cancers"})
    claims = (
        SPEC.claims[1].model_copy(update={"published": wrong}),
        SPEC.claims[2].model_copy(update={"published": other}),
        next(each for each in SPEC.claims if each.id == "letrozole").model_copy(
            update={"agents": SPEC.claims[-7].agents.model_copy(update={"agents": ("letrozol",), "classes": ()})}
        ),
    )
    found = [str(fault) for fault in selection_faults(SPEC.model_copy(update={"claims": claims}), TABLE, AGENTS)]
    assert found == [
        "claims[1].published.contrast: no row of IGF-1 and breast cancer is 'per 6 nmol/L'. "
        "Did you mean 'per 5 nmol/L'?",
        "claims[2].published.outcome: no row has 'colorectal cancers'. Did you mean 'colorectal cancer'?",
        "claims[3].agents.agents: no row has 'letrozol'. Did you mean 'letrozole'?",
    ]


def test_frames_have_one_row_a_thing():
    assert not LEDGER.claims["claim"].duplicated().any()
    assert not LEDGER.pooled.duplicated(["claim", "end"]).any()
    assert not LEDGER.rows.duplicated(["claim", "end", "id"]).any()
    assert isinstance(LEDGER.agents, pd.DataFrame)
    assert set(LEDGER.agents["lean"]) <= {"for", "against", "open"}
