"""Analysis files: every fault at once, by its place, with what to write instead; and the plan they become."""

from pathlib import Path

import pytest
from made_cohort import made_analysis, made_cohort

from riskkit.errors import SpecError
from riskkit.spec.analysis import load_analysis
from riskkit.spec.plan import batches, plan

COHORT = made_cohort("bmi", "sex", "cause", outcomes="""death = { label = "Death", event = "cause != 'no'" }""")

GOOD = made_analysis("""
outcomes = ["death"]
time_scales = ["age", "follow_up"]
[exposures.marker]
unit = "nmol/L"
per = "50 nmol/L"
[[models]]
name = "basic"
label = "Age and sex"
covariates = ["rcs(age, 4)", "sex"]
[[models]]
name = "full"
label = "+ BMI"
add = ["bmi"]
""")


@pytest.fixture
def write(tmp_path: Path):
    (tmp_path / "cohorts").mkdir()
    (tmp_path / "analyses").mkdir()
    (tmp_path / "cohorts" / "made.toml").write_text(COHORT)

    def write(text: str) -> Path:
        path = tmp_path / "analyses" / "marker.toml"
        path.write_text(text)
        return path

    return write


def test_the_plan_is_the_whole_grid_in_the_file_s_order(write):
    spec, cohort = load_analysis(write(GOOD))
    tasks = plan(spec, cohort.follow_up.age)
    assert len(tasks) == 2 * 2 * 3  # time scales, models, codings
    first = tasks[0]
    assert (first.exposure, first.outcome, first.time_scale) == ("marker", "death", "age")
    assert (first.coding, first.model, first.variant) == ("spline", "basic", "")
    assert spec.main.name == "full"


def test_age_is_no_covariate_where_it_is_the_time_scale(write):
    spec, cohort = load_analysis(write(GOOD))
    covariates = {(t.time_scale, t.model): t.covariates for t in plan(spec, cohort.follow_up.age)}
    assert covariates["age", "full"] == ("sex", "bmi")
    assert covariates["follow_up", "full"] == ("rcs(age, 4)", "sex", "bmi")


def test_strata_and_the_exposure_are_not_adjusted_for_again(write):
    text = GOOD.replace("[exposures.marker]", 'strata = ["sex"]\n[exposures.bmi]\n[exposures.marker]')
    spec, cohort = load_analysis(write(text))
    tasks = {(t.exposure, t.model): t for t in plan(spec, cohort.follow_up.age) if t.time_scale == "age"}
    assert tasks["bmi", "full"].covariates == ()
    assert tasks["marker", "full"].covariates == ("bmi",)
    assert tasks["marker", "full"].strata == ("sex",)


VARIANTS = """
[[subgroups]]
name = "men"
label = "Men"
by = "Sex"
when = "sex == 'Men'"
without = ["sex"]
[[sensitivity]]
name = "late"
label = "First 2 years left out"
lag = 2.0
codings = ["linear", "spline"]
"""


def test_variants_are_run_in_the_main_model_on_the_first_time_scale(write):
    spec, cohort = load_analysis(write(GOOD + VARIANTS))
    tasks = plan(spec, cohort.follow_up.age)
    variants = [(t.variant, t.coding, t.time_scale, t.model, t.covariates) for t in tasks if t.variant]
    assert variants == [
        ("men", "linear", "age", "full", ("bmi",)),
        ("late", "linear", "age", "full", ("sex", "bmi")),
        ("late", "spline", "age", "full", ("sex", "bmi")),
    ]


def test_batches_hold_the_outcomes_of_one_design(write):
    spec, cohort = load_analysis(write(GOOD + VARIANTS))
    tasks = plan(spec, cohort.follow_up.age)
    found = list(batches(tasks))
    assert len(found) == len(tasks)  # one outcome: every batch is one task
    assert tuple(task for batch in found for task in batch) == tasks


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("lag = 2.0", "", r"sensitivity\[1\]: changes nothing: give 'when', 'lag' or 'trim'"),
        ("lag = 2.0", "trim = [99.0, 1.0]", r"sensitivity\[1\].trim: must be two percentiles in increasing order"),
        ("lag = 2.0", "lag = -1.0", r"sensitivity\[1\].lag: must be more than 0"),
        ('"late"', '"men"', r"sensitivity\[1\].name: 'men' is the name of an earlier one"),
        ("sex == 'Men'", "sexx == 'Men'", r"subgroups\[1\].when: cohort 'made' has no variable 'sexx'. Did you mean"),
        ("sex == 'Men'", "sex = 'Men'", r"subgroups\[1\].when: .*=="),
        ('["sex"]', '["sexx"]', r"subgroups\[1\].without\[1\]: cohort 'made' has no variable 'sexx'"),
    ],
)
def test_faults_of_variants(write, old, new, said):
    assert old in VARIANTS
    with pytest.raises(SpecError, match=said):
        load_analysis(write(GOOD + VARIANTS.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('["rcs(age, 4)", "sex"]', '["rcs(age, 4)", 3]', "models[1].covariates[2]"),
        ('["rcs(age, 4)", "sex"]', '"age"', "models[1].covariates"),
        ("lag = 2.0", "lag = -1.0", "sensitivity[1].lag"),
        ("lag = 2.0", 'trim = [1.0, "a"]', "sensitivity[1].trim[2]"),
    ],
)
def test_a_table_is_not_said_to_lack_what_it_has_wrong(write, old, new, place):
    with pytest.raises(SpecError) as told:
        load_analysis(write((GOOD + VARIANTS).replace(old, new, 1)))
    assert [line.split(":")[0].strip() for line in str(told.value).splitlines()[1:]] == [place]


def test_every_fault_is_listed_at_once_by_its_place(write):
    text = (
        GOOD.replace('"death"', '"deaht"')
        .replace('unit = "nmol/L"', 'unit = "ng/mL"\nknots = 4')
        .replace("[exposures.marker]", "[exposures.marker2]\n[exposures.marker]")
        .replace('add = ["bmi"]', 'add = ["bmmi"]')
        .replace('per = "50 nmol/L"', 'per = "5 ng/mL"')
    )
    with pytest.raises(SpecError) as caught:
        load_analysis(write(text))
    said = str(caught.value)
    assert "marker.toml: " in said
    assert "outcomes[1]: cohort 'made' has no outcome 'deaht'. Did you mean 'death'?" in said
    assert "exposures.marker.knots: unknown field." in said
    assert "exposures.marker2: cohort 'made' has no variable 'marker2'. Did you mean 'marker'?" in said
    assert "models[2].add[1]: cohort 'made' has no variable 'bmmi'. Did you mean 'bmi'?" in said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('per = "50 nmol/L"', 'simex = ["deth"]', "exposures.marker.simex.*'deth'.*Did you mean 'death'"),
        ('per = "50 nmol/L"', 'simex = ["death"]', "exposures.marker.simex: needs a second measurement"),
        ('per = "50 nmol/L"', 'simex = ["death"]\nper = false', "exposures.marker.simex: corrects the straight line"),
        ('unit = "nmol/L"', 'unit = "ng/mL"', "exposures.marker.unit: 'ng/mL' is not the unit of 'marker'.*'nmol/L'"),
        ('"50 nmol/L"', '"5 ng/mL"', "exposures.marker.per: '5 ng/mL': 'marker' is in nmol/L"),
        ('"50 nmol/L"', '"much"', "exposures.marker.per: must be 'sd', a number, or an amount such as '5 nmol/L'"),
        ('"50 nmol/L"', "-1.0", "exposures.marker.per: must be more than 0; got -1"),
        ('"50 nmol/L"', '"sd"\nspline = 2', "exposures.marker.spline: must be 3 to 7 knots"),
        ('"50 nmol/L"', '"sd"\nspline = [3, 2, 1]', "exposures.marker.spline: knots must be at least three"),
        ('"50 nmol/L"', '"sd"\ngroups = 1', "exposures.marker.groups: must be 2 to 20"),
        ('"50 nmol/L"', '"sd"\ngroups = [2, 1]', "exposures.marker.groups: cut points must be"),
        (
            '"50 nmol/L"',
            '"sd"\nreference_group = 6',
            "exposures.marker.reference_group: 'marker' is cut into 5 groups; got 6",
        ),
        ('"50 nmol/L"', '"sd"\nreference_group = 0', "exposures.marker.reference_group: must be at least 1; got 0"),
        ('"50 nmol/L"', '"sd"\ngroups = false\nreference_group = 3', "reference_group: is one of the groups, which"),
        ('"full"', '"basic"', r"models\[2\].name: 'basic' is the name of an earlier model"),
        ("covariates = [", "add = [", r"models\[1\].add: the first model has none before it"),
        ('add = ["bmi"]', "", r"models\[2\]: give either 'covariates' or 'add'"),
        ('add = ["bmi"]', 'add = ["2 * bmi"]', r"models\[2\].add\[1\]: '2 \* bmi' is not a column or a formula term"),
        ('cohort = "made"', 'cohort = "mad"', "mad.toml: there is no such file. Did you mean 'made.toml'"),
        ('cohort = "made"', "", "cohort: is required and missing"),
        ('outcomes = ["death"]', "outcomes = []", "outcomes: must be a list of at least 1"),
        ('"follow_up"]', '"followup"]', r"time_scales\[2\]: must be 'age', 'follow_up' or 'none'; got 'followup'"),
        ('title = "Marker and death"', "title = ", "line 2, column 9: not valid TOML"),
        (
            "[exposures.marker]",
            'main_model = "ful"\n[exposures.marker]',
            "main_model: no model is named 'ful'. Did you",
        ),
        ("[exposures.marker]", "survey = true\n[exposures.marker]", "survey: cohort 'made' has no .design."),
        ("[exposures.marker]", 'strata = ["sexx"]\n[exposures.marker]', r"strata\[1\]: cohort 'made' has no variable"),
    ],
)
def test_each_fault_says_what_to_write(write, old, new, said):
    assert old in GOOD
    with pytest.raises(SpecError, match=said):
        load_analysis(write(GOOD.replace(old, new)))


PUBLISHED = """
[[published]]
study = "Doe 2001"
exposure = "marker"
outcome = "death"
contrast = "lowest against middle fifth"
estimate = 1.5
low = 1.2
high = 1.9
group = 1
against = 3
population = "Danes"
method = "Cohort"
citation = "Doe 2001"
differs = "Older"
"""


def test_a_published_estimate_is_read(write):
    spec, _ = load_analysis(write(GOOD + PUBLISHED))
    assert (spec.published[0].group, spec.published[0].variant) == (1, None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'exposure = "marker"',
            'exposure = "marke"',
            r"published\[1\].exposure: this analysis has no exposure 'marke'.*'marker'",
        ),
        ('outcome = "death"', 'outcome = "deth"', r"published\[1\].outcome: this analysis has no outcome 'deth'"),
        ("group = 1", 'group = 1\nvariant = "men"', r"published\[1\].variant: this analysis has no variant 'men'"),
        ("low = 1.2\n", "", "give both 'low' and 'high'"),
        ("high = 1.9", "high = 1.4", "with 'estimate' between them"),
        ("against = 3\n", "", "give both 'group' and 'against'"),
        ("against = 3", "against = 1", "two different groups"),
        ("against = 3", "against = 6", "published.1..against: 'marker' is cut into 5 groups; got 6"),
    ],
)
def test_faults_of_published_estimates(write, old, new, said):
    assert old in PUBLISHED
    with pytest.raises(SpecError, match=said):
        load_analysis(write(GOOD + PUBLISHED.replace(old, new)))


@pytest.mark.parametrize(("coding", "switch"), [("spline", "spline"), ("groups", "groups"), ("linear", "per")])
def test_a_variant_asks_only_for_codings_that_the_exposure_has(write, coding, switch):
    variant = f'[[sensitivity]]\nname = "late"\nlabel = "Late"\nlag = 2\ncodings = ["{coding}"]\n'
    text = GOOD.replace('per = "50 nmol/L"', f"{switch} = false") + variant
    with pytest.raises(
        SpecError, match=rf"sensitivity\[1\].codings: '{coding}' is asked.*'marker' says {switch} = false"
    ):
        load_analysis(write(text))
    load_analysis(write(GOOD + variant))
