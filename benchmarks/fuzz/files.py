"""Cohort and analysis files, spoilt: refused where they are read, or read as they say, fitted and reported so."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks.fuzz.words import HOSTILE, NONSENSE, NUMBERS
from riskkit import formula as language
from riskkit.cohort.build import load_cohort
from riskkit.report.page import page_html
from riskkit.runner import run
from riskkit.spec.analysis import load_analysis
from riskkit.spec.cohort import load_cohort_spec
from riskkit.spec.plan import plan
from riskkit.spec.ranges import kind_of
from riskkit.spec.terms import single_terms

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = [path for path in sorted((ROOT / "analyses").glob("*.toml")) if not kind_of(path)]

COHORT = """title = "Made"
id = "id"
base = "people"
[files.people]
path = "people.csv"
format = "csv"
[variables]
age = { source = "people.age", label = "Age", kind = "number", unit = "years" }
marker = { source = "people.marker", label = "Marker", kind = "number", unit = "nmol/L" }
years = { source = "people.years", label = "Follow-up", kind = "number", unit = "years" }
bmi = { source = "people.bmi", label = "BMI", kind = "number", unit = "kg/m2" }
sex = { source = "people.sex", label = "Sex", kind = "category", codes = { 1 = "Men", 2 = "Women" } }
cause = { source = "people.cause", label = "Cause", kind = "category", codes = { 0 = "no", 1 = "a", 2 = "b" } }
[follow_up]
time = "years"
age = "age"
unit = "years"
start = "visit"
end = "death"
[outcomes]
death = { label = "Death", event = "cause != 'no'" }
a = { label = "Death of a", event = "cause == 'a'" }
"""
ANALYSIS = """title = "Marker and death"
question = "Do they go together?"
cohort = "made"
outcomes = ["death", "a"]
time_scales = ["age", "follow_up"]
min_events = 5
level = 0.95
[exposures.marker]
spline = 3
groups = 3
per = "sd"
reference = "median"
[[models]]
name = "basic"
label = "Sex"
covariates = ["age", "sex"]
[[models]]
name = "full"
label = "and BMI"
add = ["bmi"]
[[subgroups]]
name = "men"
label = "Men"
by = "Sex"
when = "sex == 'Men'"
without = ["sex"]
[[sensitivity]]
name = "late"
label = "Late"
lag = 1.0
"""


def people(rng: np.random.Generator, n: int = 250) -> pd.DataFrame:
    """A cohort with deaths of two causes and some values missing."""
    marker = rng.normal(20, 4, n)
    time = rng.exponential(12 * np.exp(-0.05 * (marker - 20)))
    return pd.DataFrame(
        {
            "id": np.arange(1, n + 1),
            "age": rng.uniform(40, 70, n).round(2),
            "marker": marker.round(3),
            "years": np.minimum(time, 10).round(3) + 0.001,
            "bmi": np.where(rng.random(n) < 0.1, np.nan, rng.normal(27, 4, n).round(1)),
            "sex": rng.integers(1, 3, n),
            "cause": np.where(time > 10, 0, rng.integers(1, 3, n)),
        }
    )


def mutated(text: str, rng: np.random.Generator) -> str:
    """A file with up to three things in it changed."""
    for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.1, 0.55, 0.2, 0.15]))):
        lines = text.splitlines()
        at, other = (int(rng.integers(len(lines))) for _ in range(2))
        values = [match.span() for match in re.finditer(r'"[^"\n]*"|(?<=[ \[])-?[0-9][0-9.]*\b', text)]
        match int(rng.integers(8)):
            case 0:
                del lines[at]
            case 1:
                lines.insert(other, lines[at])
            case 2:
                lines[at], lines[other] = lines[other], lines[at]
            case 3 if values:
                start, end = values[int(rng.integers(len(values)))]
                text = text[:start] + str(rng.choice(NUMBERS)) + text[end:]
                continue
            case 4 | 5 if values:
                start, end = values[int(rng.integers(len(values)))]
                word = str(rng.choice([*NONSENSE, *HOSTILE, "age", "sex", "bmi", "marker", "death", "cause", "years"]))
                text = text[:start] + quoted(word) + text[end:]
                continue
            case 6 if len(values) > 1:
                (a, b), (c, d) = sorted(values[i] for i in rng.choice(len(values), 2, replace=False))
                text = text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:]
                continue
            case _:
                lines[at] = lines[at][: int(rng.integers(len(lines[at]) + 1))]
        text = "\n".join(lines) + "\n"
    return text


def quoted(word: str) -> str:
    """A string of TOML."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'


@contextmanager
def project(cohort: str, analysis: str, data: pd.DataFrame | None = None) -> Iterator[Path]:
    """A folder with a cohort of people and an analysis; gives the analysis file."""
    with TemporaryDirectory(prefix="fuzz-") as named:
        folder = Path(named)
        for part in ("cohorts", "analyses", "build/raw/made"):
            (folder / part).mkdir(parents=True)
        (folder / "cohorts" / "made.toml").write_text(cohort, encoding="utf-8", errors="surrogatepass")
        (folder / "analyses" / "marker.toml").write_text(analysis, encoding="utf-8", errors="surrogatepass")
        if data is not None:
            data.to_csv(folder / "build/raw/made/people.csv", index=False)
        yield folder / "analyses" / "marker.toml"
        assert not list(folder.rglob("PWNED")), "a file was made by what a file says"


def shipped(rng: np.random.Generator) -> str:
    """Read a shipped analysis, or its cohort, with something changed."""
    path = SHIPPED[int(rng.integers(len(SHIPPED)))]
    text = path.read_text(encoding="utf-8")
    name = re.search(r'^cohort = "(\w+)"', text, re.MULTILINE)
    assert name is not None
    source = ROOT / "cohorts" / f"{name[1]}.toml"
    cohort = source.read_text(encoding="utf-8")
    if rng.random() < 0.5:
        text = mutated(text, rng)
    else:
        cohort = mutated(cohort, rng)
    with TemporaryDirectory(prefix="fuzz-") as named:
        folder = Path(named)
        (folder / "analyses").mkdir()
        (folder / "cohorts").mkdir()
        shutil.copytree(ROOT / "cohorts" / "codelists", folder / "cohorts" / "codelists")
        (folder / "cohorts" / source.name).write_text(cohort, encoding="utf-8", errors="surrogatepass")
        written = folder / "analyses" / path.name
        written.write_text(text, encoding="utf-8", errors="surrogatepass")
        load_cohort_spec(folder / "cohorts" / source.name)
        holds(written)
    return path.name


def holds(path: Path) -> None:
    """Every task of a plan has what the file asks for, no more and no less."""
    spec, cohort = load_analysis(path)
    age = cohort.follow_up.age if cohort.follow_up else None
    without = {each.name: set(each.without) for each in spec.variants}
    for task in plan(spec, age):
        model = next(each for each in spec.models if each.name == task.model)
        gone = {task.exposure, *spec.strata, *([age] if task.time_scale == "age" else [])}
        kept = []
        for written in single_terms(spec.covariates(model)):
            (factors,) = language.terms(written)
            alone = len(factors) == 1 and factors[0].variable in gone
            if not alone and not without.get(task.variant, set()) & {name for f in factors for name in f.columns}:
                kept.append(written)
        assert list(task.covariates) == list(dict.fromkeys(kept)), f"{task}: the file asks for {kept}"


def analysis(rng: np.random.Generator) -> str:
    """Run a small analysis with something changed, and count its people again."""
    text = mutated(ANALYSIS, rng)
    cohort = mutated(COHORT, rng) if rng.random() < 0.3 else COHORT
    with project(cohort, text, people(rng)) as path:
        holds(path)
        spec, _ = load_analysis(path)
        made = load_cohort(path.parent.parent / "cohorts" / "made.toml").without(spec.exclusions)
        results = run(path, made)
        for fit in results.fits.itertuples():
            asked = language.parse(fit.formula)
            outcome = made.outcomes[fit.outcome]
            used = made.data[list(dict.fromkeys(asked.columns))].notna().all(axis=1) & made.data[outcome.at_risk]
            used &= made.data[list(spec.strata)].notna().all(axis=1)
            dropped = getattr(fit, "n_without_events", 0)
            assert fit.n + dropped == int(used.sum()), f"{fit.formula}: {fit.n} people, {int(used.sum())} are complete"
            model = next(each for each in spec.models if each.name == fit.model)
            for written in single_terms(spec.covariates(model)):
                (factors,) = language.terms(written)
                if len(factors) > 1 or factors[0].variable not in ("age", fit.exposure, *spec.strata):
                    assert factors in asked.terms, f"{fit.formula}: {written} was asked for"
        if rng.random() < 0.25:
            safe(page_html(results))
    return "an analysis"


def labels(rng: np.random.Generator) -> str:
    """Run an analysis whose labels are hostile, and read the page as a browser would."""
    words = [quoted(str(word)) for word in rng.choice(HOSTILE, 8)]
    text, cohort = ANALYSIS.replace('["age", "follow_up"]', '["age"]'), COHORT
    for old, word in zip(('"Marker and death"', '"Do they go together?"', '"Sex"', '"Late"'), words, strict=False):
        text = text.replace(old, word, 1)
    for old, word in zip(('"Made"', '"Marker"', '"BMI"', '"Death"'), words[4:], strict=True):
        cohort = cohort.replace(old, word, 1)
    with project(cohort, text, people(rng)) as path:
        results = run(path, load_cohort(path.parent.parent / "cohorts" / "made.toml"))
        safe(page_html(results))
    return " ".join(words)


class Tags(HTMLParser):
    """What a browser would run of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.live: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        for name, value in attrs:
            followed = name in ("href", "src", "action", "formaction", "xlink:href", "srcdoc", "data")
            if name.startswith("on") or (followed and (value or "").lower().lstrip().startswith("javascript:")):
                self.live.append(f"<{tag} {name}>")
        if tag in ("iframe", "object", "embed", "base"):
            self.live.append(f"<{tag}>")

    def handle_data(self, data: str) -> None:
        if self.inside == "script" and re.search(
            r"(?<![\\w\"'])PWNED\(\)(?![^<]*\")", data.split("application/json")[0]
        ):
            self.live.append("a script")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""


def safe(page: str) -> None:
    """Nothing that a label says is live in a page."""
    tags = Tags()
    tags.feed(page)
    assert not tags.live, f"live in the page: {tags.live[:3]}"
