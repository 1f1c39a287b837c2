"""The formula language: what it reads, and that it is closed."""

import pytest

from riskkit.errors import SpecError
from riskkit.formula import parse


def test_a_full_formula():
    f = parse(
        'Surv(age_in, age_out, mi) ~ rcs(igf1, 5) + C(smoking, ref="Never") * sex + strata(region, site) + offset(o)'
    )
    assert f.response == ("age_in", "age_out", "mi")
    assert f.survival
    assert [[factor.text for factor in term] for term in f.terms] == [
        ["rcs(igf1, 5)"],
        ["C(smoking, ref='Never')"],
        ["sex"],
        ["C(smoking, ref='Never')", "sex"],
    ]
    assert dict(f.terms[1][0].options) == {"ref": "Never"}
    assert f.strata == ("region", "site")
    assert f.offset == "o"
    assert f.columns == ("age_in", "age_out", "mi", "igf1", "smoking", "sex", "region", "site", "o")


def test_interactions_come_after_main_effects_in_order_of_degree():
    f = parse("y ~ a:b:c + a:b + c + a")
    assert [len(term) for term in f.terms] == [1, 1, 2, 3]
    assert not f.survival


def test_knots_as_a_list_and_powers_of_sums():
    f = parse("y ~ rcs(x, [10, 20.5, 30]) + (a + b)**2")
    assert dict(f.terms[0][0].options) == {"knots": (10, 20.5, 30)}
    assert [[g.variable for g in term] for term in f.terms] == [["x"], ["a"], ["b"], ["a", "b"]]


@pytest.mark.parametrize("formula", ["y ~ 1", "Surv(t, d) ~ 1", "y ~"])
def test_a_model_without_covariates(formula):
    assert parse(formula).terms == ()


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("y + x", "write one '~'"),
        ("y ~ x ~ z", "write one '~'"),
        ("Surv(t) ~ x", "Surv\\(time, event\\) or Surv\\(entry, exit, event\\)"),
        ("Surv(t, d == 1) ~ x", "takes column names only"),
        ("y ~ rsc(x, 4)", "unknown function 'rsc'. Did you mean 'rcs'"),
        ("y ~ rcs(4)", "must start with a column name"),
        ("y ~ rcs(x, knot=4)", "argument 'knot' is unknown.*Did you mean 'knots'"),
        ("y ~ rcs(x, 4, 5)", "too many arguments"),
        ("y ~ rcs(x, k)", "must be a number, text or"),
        ("y ~ x + offset(s):x", "cannot stand in an interaction"),
        ("y ~ x + strata(s, r):x", "in an interaction strata\\(...\\) takes one column"),
        ("y ~ strata(s) + strata(r)", "given twice"),
        ("y ~ offset(a, b)", "takes one column"),
        ("y ~ x +", "cannot be read"),
        ("y ~ x:1", "'1' is not a column or a function of one"),
        ("y ~ igf 1", "cannot be read"),
        ("y ~ `igf 1", "a backtick is not closed"),
        ("y ~ rcs(x + 1, 4)", "must start with a column name"),
        ("y ~ log(1 - x)", "must start with a column name, as in log\\(x \\+ 1\\)"),
        ("y ~ rcs(`igf 1`, knot=4)", "`igf 1`.*argument 'knot' is unknown"),
    ],
)
def test_faults_are_named(formula, said):
    with pytest.raises(SpecError, match=said):
        parse(formula)


@pytest.mark.parametrize(
    "attack",
    [
        "__import__('os').system('touch pwned')",
        "np.exp(x)",
        "x.to_csv('pwned')",
        "eval('1')",
        "C(x, ref=__import__('os').getcwd())",
        "log(open('pwned', 'w'))",
        "{open('pwned', 'w')}",
        "I(x ** 2)",
        "(lambda: 1)()",
        "rcs(x, [k for k in (1, 2, 3)])",
    ],
)
def test_nothing_is_evaluated(attack, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError):
        parse(f"y ~ {attack}")
    assert list(tmp_path.iterdir()) == []
