"""The file of an evidence analysis: what is right loads, and every fault of a wrong one is told by its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskkit.errors import SpecError
from riskkit.spec.evidence import is_evidence, load_evidence

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = Path(__file__).resolve().parents[2] / "analyses" / "igf1-evidence.toml"
HEAD = 'kind = "evidence"\ntitle = "t"\nexposure = "IGF-1"\n[[questions]]\nid = "q"\nquestion = "?"\n'
CLAIM = '[[claims]]\nid = "{id}"\nquestion = "q"\nclaim = "c"\nsaid_in = "s"\n'
LINE = 'expects = "above 1"\npublished = {{ outcome = "stroke", contrast = "per SD" }}\n'.replace("{{", "{").replace(
    "}}", "}"
)


def write(folder: Path, text: str) -> Path:
    path = folder / "made.toml"
    path.write_text(text, encoding="utf-8")
    return path


def told(folder: Path, text: str) -> str:
    with pytest.raises(SpecError) as caught:
        load_evidence(write(folder, text))
    return str(caught.value)


def test_the_ledger_of_igf1():
    spec = load_evidence(SHIPPED)
    assert len(spec.claims) == 31
    assert {claim.question for claim in spec.claims} == {question.id for question in spec.questions}
    prostate = spec.claims[0]
    assert prostate.published is not None
    assert prostate.published.contrast == ("per 5 nmol/L", "fifth 5 against 1")
    assert prostate.own[0].coding == "linear"
    assert is_evidence(SHIPPED)
    assert not is_evidence(ROOT / "analyses" / "igf1-cancer.toml")


def test_its_own_estimates_are_of_analyses_that_exist():
    import tomllib

    for claim in load_evidence(SHIPPED).claims:
        for own in claim.own:
            analysis = tomllib.loads((ROOT / "analyses" / f"{own.analysis}.toml").read_text(encoding="utf-8"))
            assert own.outcome in analysis["outcomes"]
            assert own.exposure is None or own.exposure in analysis["exposures"]


def test_every_fault_is_told_at_once(tmp_path):
    text = HEAD + '[[questions]]\nid = "empty"\nquestion = "?"\n'
    text += CLAIM.format(id="a") + LINE
    text += CLAIM.format(id="a").replace('"q"', '"p"') + 'expects = "above 1"\n'
    text += CLAIM.format(id="b") + 'not_testable = "why"\nexpects = "U"\n'
    text += CLAIM.format(id="c") + LINE.replace("above 1", "U")
    text += CLAIM.format(id="d") + 'expects = "raises"\nagents = { agents = ["x"] }\n'
    text += CLAIM.format(id="e") + 'expects = "lowers"\n'
    text += CLAIM.format(id="f") + LINE.replace('"per SD"', '"per SD", onto = 5.0')
    text += CLAIM.format(id="g") + LINE + 'missing = "x"\n'
    text += CLAIM.format(id="h")
    message = told(tmp_path, text)
    for part in (
        "questions[2]: no claim belongs to 'empty'",
        "claims[2].id: 'a' is the id of an earlier one",
        "claims[2].question: there is no question 'p'.",
        "claims[2]: has nothing to be tested by: give dose_response, own, published, or say what is missing.",
        "claims[3].expects: stands beside 'not_testable'",
        "claims[4].published: has no place in a claim that expects 'U'; that takes dose_response, high, low, own.",
        "claims[5].agents: there is no table of agents",
        "claims[6].agents: is missing",
        "claims[7].published: brings estimates onto a scale; declare",
        "claims[8].published: stands beside 'missing'",
        "claims[9].expects: is missing",
    ):
        assert part in message, part


def test_fields_are_strict(tmp_path):
    text = HEAD + CLAIM.format(id="A b") + LINE.replace("above 1", "higher").replace("outcome", "outcom")
    message = told(tmp_path, text)
    for part in ("claims[1].id", "claims[1].expects", "Did you mean 'outcome'"):
        assert part in message
    own = told(tmp_path, HEAD + CLAIM.format(id="a") + 'expects = "above 1"\nown = { analysis = "x", outcom = "y" }\n')
    assert "2 faults" in own
    assert "claims[1].own.outcom: unknown field. Did you mean 'outcome'?" in own
    number = told(tmp_path, HEAD + CLAIM.format(id="a") + LINE.replace('"per SD"', "5"))
    assert "1 fault" in number
    assert "claims[1].published.contrast" in number
    assert "claims: is empty" in told(tmp_path, HEAD.replace("[[questions]]", "claims = []\n[[questions]]"))
    assert "levels" in told(tmp_path, HEAD + '[reference]\npopulation = "x"\n' + CLAIM.format(id="a") + LINE)
