"""The cohort file as a whole: its tables, and whether they fit together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from keyword import iskeyword
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import Field, PrivateAttr

from riskkit.errors import RiskkitError, did_you_mean
from riskkit.spec.disclosure import DisclosureSpec, disclosure_faults
from riskkit.spec.expression import RESERVED, parse
from riskkit.spec.faults import Fault, Place, shown
from riskkit.spec.load import SpecModel, other_name, read_toml, validate
from riskkit.spec.panels import PanelSpec, panel_faults
from riskkit.spec.records import CensoringSpec, EventsSpec, HistorySpec, record_faults
from riskkit.spec.repeats import RepeatsSpec, repeats_faults
from riskkit.spec.sampling import SamplingSpec, sampling_faults
from riskkit.spec.tables import (
    PER_YEAR,
    DerivedSpec,
    DescribedSpec,
    ExclusionSpec,
    FetchSpec,
    FileSpec,
    FollowUpSpec,
    Kind,
    OutcomeSpec,
    ReferenceRatesSpec,
    SurveyDesignSpec,
    VariableSpec,
    same_code,
)

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
TAKEN = frozenset(  # by make, which builds a cohort by its name: make ukb
    (
        "all",
        "help",
        "names",
        "setup",
        "reference",
        "lock",
        "reports",
        "pdf",
        "docx",
        "test",
        "lint",
        "bench",
        "fuzz",
        "kills",
        "sbom",
        "calibrate",
        "clean",
        "distclean",
    )
)
OWN_COLUMNS = ("id", "follow_up", "age_entry", "age_exit")
OUTCOME_COLUMNS = ("at_risk", "follow_up", "age_exit")
FIELD = re.compile(r"p[0-9]+(_i[0-9]+)?(_a[0-9]+)?")
ADDRESS = re.compile(r"https?://\S+")


class CohortSpec(SpecModel):
    """A cohort as its TOML file declares it; make one with `load_cohort_spec`."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="letters, digits, - and _; the file's name, unless given"
    )
    title: str
    description: str = ""
    citation: str = ""
    simulated: bool = Field(False, description="whether these are invented people; reports then say so everywhere")
    id: str | Literal[False] = Field(
        description="the column of identifiers in the raw files; false where there is one file, whose records have none"
    )
    base: str = Field(description="the file whose records are the people of the cohort")
    fetch: FetchSpec = Field(default_factory=FetchSpec)
    files: dict[str, FileSpec] = Field(min_length=1)
    withdrawals: str | None = Field(None, description="key of the file of people who have withdrawn: no header")
    variables: dict[str, VariableSpec] = Field(min_length=1)
    events: dict[str, EventsSpec] = Field(default_factory=dict)
    panels: dict[str, PanelSpec] = Field(default_factory=dict)
    histories: dict[str, HistorySpec] = Field(default_factory=dict)
    censoring: dict[str, CensoringSpec] = Field(default_factory=dict)
    derived: dict[str, DerivedSpec] = Field(default_factory=dict)
    exclusions: tuple[ExclusionSpec, ...] = ()
    follow_up: FollowUpSpec | None = None
    outcomes: dict[str, OutcomeSpec] = Field(default_factory=dict)
    repeats: dict[str, RepeatsSpec] = Field(default_factory=dict)
    design: SurveyDesignSpec | None = None
    sampling: SamplingSpec | None = None
    disclosure: DisclosureSpec | None = None
    reference_rates: ReferenceRatesSpec | None = None
    _path: Path = PrivateAttr(default=Path())

    @property
    def path(self) -> Path:
        """The file this was read from."""
        return self._path

    @property
    def columns(self) -> dict[str, DescribedSpec]:
        """What the cohort says of people, by name: variables other than dates, histories, derived variables."""
        kept = {name: variable for name, variable in self.variables.items() if variable.kind != "date"}
        return {**kept, **self.histories, **self.derived}

    @property
    def recorded(self) -> dict[str, OutcomeSpec | HistorySpec]:
        """What is found in dated records: outcomes and histories by name."""
        return {**{name: outcome for name, outcome in self.outcomes.items() if outcome.sources}, **self.histories}

    @property
    def states(self) -> tuple[str, ...]:
        """The outcomes without follow-up, which are there at baseline or not."""
        return tuple(name for name, outcome in self.outcomes.items() if outcome.state or self.follow_up is None)

    @property
    def people_files(self) -> dict[str, FileSpec]:
        """The files with one record a person, but for those that continue another."""
        return {key: file for key, file in self.files.items() if file.rows == "one" and file.continues is None}

    def panel_of(self, name: str) -> PanelSpec | None:
        """The panel that a variable is of by its name, whose items only the data tell.

        Parameters
        ----------
        name : str
            Of the variable, or a pattern.
        """
        return next((panel for key, panel in self.panels.items() if name.startswith(f"{key}_")), None)

    def parts(self, key: str) -> dict[str, FileSpec]:
        """A file and those that continue it, in their order."""
        return {name: file for name, file in self.files.items() if key in (name, file.continues)}


def load_cohort_spec(path: str | Path) -> CohortSpec:
    """Read and check a cohort file.

    Raises
    ------
    SpecError
        With every fault of the file at once, each by its place.
    """
    path = Path(path)
    data = {"name": path.stem, **read_toml(path)}
    spec = validate(CohortSpec, data, path, lambda spec: (*other_name(spec.name, path), *_faults(spec)))
    spec._path = path
    return spec


def _faults(spec: CohortSpec) -> Iterator[Fault]:
    if spec.name in TAKEN:
        yield Fault(("name",), f"cannot be '{spec.name}': 'make {spec.name}' is taken. Rename the file.")
    yield from _name_faults(spec)
    if spec.id is False and (len(spec.files) > 1 or spec.withdrawals is not None):
        yield Fault(("id",), "is false, so that nothing tells whose a record of another file is. Name the column.")
    for name, file in spec.files.items():
        if spec.id is False and (file.format == "fixed" or file.id is not None):
            where = "id_columns" if file.format == "fixed" else "id"
            yield Fault(("id",), f"is false, but files.{name}.{where} says where identifiers are. Keep one of the two.")
    people = spec.people_files
    if spec.base not in people:
        yield Fault(("base",), f"there is no file '{spec.base}'.{did_you_mean(spec.base, people)}")
    for name, file in spec.files.items():
        yield from _file_faults(("files", name), file)
        if file.continues is not None and file.continues not in people:
            known = did_you_mean(file.continues, people)
            yield Fault(("files", name, "continues"), f"there is no file '{file.continues}' to continue.{known}")
        elif file.continues is not None and file.format != people[file.continues].format:
            wanted = people[file.continues].format
            yield Fault(("files", name, "format"), f"must be '{wanted}', as that of '{file.continues}'.")
    for name, variable in spec.variables.items():
        yield from _variable_faults(("variables", name), variable, people)
    yield from _expression_faults(spec)
    yield from record_faults(spec)
    yield from panel_faults(spec)
    yield from repeats_faults(spec)
    yield from sampling_faults(spec)
    if spec.follow_up is not None:
        place: Place = ("follow_up",)
        if spec.follow_up.time is not None:
            yield from _time_faults((*place, "time"), spec.follow_up.time, spec)
        if spec.follow_up.age is not None:
            yield from _time_faults((*place, "age"), spec.follow_up.age, spec)
    if spec.design is not None:
        for field in ("weights", "strata", "psu"):
            name = getattr(spec.design, field)
            if name is not None and name not in spec.columns:
                yield Fault(("design", field), f"there is no variable '{name}'.{did_you_mean(name, spec.columns)}")
    if spec.disclosure is not None:
        yield from disclosure_faults(spec.disclosure)
    if spec.reference_rates is not None:
        yield from _rates_faults(spec.reference_rates, spec)
    for name, outcome in spec.outcomes.items():
        if outcome.time is not None and spec.follow_up is None:
            yield Fault(("outcomes", name, "time"), "needs a table [follow_up], which says when observation starts.")
        elif outcome.time is not None:
            yield from _time_faults(("outcomes", name, "time"), outcome.time, spec)


def _rates_faults(rates: ReferenceRatesSpec, spec: CohortSpec) -> Iterator[Fault]:
    """Rates for people who are not followed, or whose age or calendar year is not known; the table is read later."""
    place: Place = ("reference_rates",)
    if spec.follow_up is None or (spec.follow_up.age is None and spec.follow_up.baseline is None):
        yield Fault(place, "are compared with people followed from a known age; give [follow_up] with `age`.")
    if rates.calendar is None:
        return
    found = spec.columns.get(rates.calendar)
    if found is None:
        guess = did_you_mean(rates.calendar, spec.columns)
        yield Fault((*place, "calendar"), f"there is no variable '{rates.calendar}'.{guess}")
    elif found.kind != "number":
        yield Fault(
            (*place, "calendar"), f"'{rates.calendar}' is a {found.kind}; the calendar year is a number, as in 1992.4."
        )


def _name_faults(spec: CohortSpec) -> Iterator[Fault]:
    seen: dict[str, str] = dict.fromkeys(OWN_COLUMNS, "made by riskkit")
    for outcome in spec.outcomes:
        seen |= dict.fromkeys((f"{outcome}_{column}" for column in OUTCOME_COLUMNS), f"made for outcomes.{outcome}")
    tables = {field: getattr(spec, field) for field in ("panels", "variables", "histories", "derived", "outcomes")}
    for table, name in ((table, name) for table, entries in tables.items() for name in entries):
        if not NAME.fullmatch(name) or name in RESERVED or iskeyword(name):
            wanted = "a letter, then letters, digits and _, and no word of the expression language"
            yield Fault((table, name), f"'{name}' cannot be a name: use {wanted}.")
        if name in seen:
            yield Fault((table, name), f"the name '{name}' is taken ({seen[name]}). Choose another.")
        seen.setdefault(name, f"in [{table}]")


def _file_faults(place: Place, file: FileSpec) -> Iterator[Fault]:
    if "/" in file.path or "\\" in file.path or file.path.startswith("."):
        yield Fault((*place, "path"), f"must be the name of a file without its folder; got '{file.path}'")
    if file.address is not None and not ADDRESS.fullmatch(file.address):
        yield Fault((*place, "address"), f"must begin with https:// or http://; got '{file.address}'")
    fixed = {"id_columns": file.id_columns, "record_length": file.record_length}
    for field, value in fixed.items():
        if file.format == "fixed" and value is None:
            yield Fault((*place, field), "is required and missing: a file of fixed width needs it.")
    for field, value in {**fixed, "shortest_record": file.shortest_record}.items():
        if file.format != "fixed" and value is not None:
            yield Fault((*place, field), f"is for files of fixed width, not for {file.format}. Leave it out.")
    if file.id_columns is not None:
        yield from _position_faults((*place, "id_columns"), file.id_columns, file)
    if file.shortest_record is not None and file.shortest_record > (file.record_length or 0):
        yield Fault((*place, "shortest_record"), f"must be at most record_length; got {file.shortest_record}")


def _position_faults(place: Place, columns: tuple[int, int], file: FileSpec) -> Iterator[Fault]:
    last = file.record_length or columns[1]
    if not 1 <= columns[0] <= columns[1] <= last:
        yield Fault(place, f"must be [first, last], counted from 1, at most {last}; got {shown(columns)}")


def _variable_faults(place: Place, variable: VariableSpec, files: dict[str, FileSpec]) -> Iterator[Fault]:
    file = files.get(variable.file)
    if file is None:
        yield Fault((*place, "source"), f"there is no file '{variable.file}'.{did_you_mean(variable.file, files)}")
    elif file.names == "uk biobank" and not FIELD.fullmatch(variable.column):
        yield Fault((*place, "source"), f"'{variable.column}' is no field of UK Biobank such as p31 or p4080_i0_a1.")
    elif file.format == "fixed" and variable.columns is None:
        yield Fault((*place, "columns"), "is required and missing: the first and last position in each record.")
    elif file.format != "fixed" and variable.columns is not None:
        yield Fault(
            (*place, "columns"), f"is for files of fixed width; '{variable.file}' is {file.format}. Leave it out."
        )
    elif variable.columns is not None:
        yield from _position_faults((*place, "columns"), variable.columns, file)
    if variable.kind != "number":
        if not variable.codes and variable.kind != "date":
            example = "{ '1' = 'yes', '2' = 'no' }" if variable.kind == "flag" else "{ '1' = 'Male', '2' = 'Female' }"
            yield Fault((*place, "codes"), f"is required and missing: what each code means, such as {example}")
        for field in ("unit", "range", "top_code", "bottom_code"):
            if getattr(variable, field) is not None:
                yield Fault((*place, field), f"is for numbers; this is a {variable.kind}. Leave it out.")
    if variable.kind in ("number", "date") and variable.codes is not None:
        yield Fault((*place, "codes"), f"is for categories and flags; this is a {variable.kind}. Leave it out.")
    if variable.kind == "flag" and variable.codes and set(variable.codes.values()) != {"yes", "no"}:
        yield Fault(
            (*place, "codes"), f"must mean 'yes' or 'no' (both); got {shown(sorted(set(variable.codes.values())))}"
        )
    codes = [same_code(code) for code in (*(variable.codes or ()), *variable.missing)]
    for code in (code for i, code in enumerate(codes) if code in codes[:i]):
        field = "codes" if code in map(same_code, variable.codes or ()) else "missing"
        yield Fault((*place, field), f"the code '{code}' stands in codes and missing more than once.")
    if variable.range is not None and not variable.range[0] < variable.range[1]:
        yield Fault((*place, "range"), f"must be [lowest, highest]; got {shown(variable.range)}")


def _time_faults(place: Place, name: str, spec: CohortSpec) -> Iterator[Fault]:
    known = {**spec.variables, **spec.derived}
    if name not in known:
        yield Fault(place, f"there is no variable '{name}'.{did_you_mean(name, known)}")
    elif known[name].kind != "number" or known[name].unit not in PER_YEAR:
        unit = f"has unit '{known[name].unit}'" if known[name].unit else "has no unit"
        yield Fault(place, f"'{name}' {unit}. A time must be a number with unit 'days', 'months' or 'years'.")


def _expression_faults(spec: CohortSpec) -> Iterator[Fault]:
    """Evaluate every expression on no people at all: the language itself then checks names, levels and kinds."""
    columns = {name: _no_values(variable) for name, variable in spec.variables.items()}
    columns |= {name: _no_values(history) for name, history in spec.histories.items()}
    for name, derived in spec.derived.items():
        later = set(spec.derived) - set(columns)
        yield from _derived_faults(("derived", name), derived, pd.DataFrame(columns), later)
        columns[name] = _no_values(derived)
    frame = pd.DataFrame(columns)
    for i, exclusion in enumerate(spec.exclusions):
        yield from _text_faults(("exclusions", i, "when"), exclusion.when, "flag", frame)
    for name, outcome in spec.outcomes.items():
        for field in ("event", "state", "only"):
            text = getattr(outcome, field)
            if text is not None:
                yield from _text_faults(("outcomes", name, field), text, "flag", frame)


def _no_values(variable: VariableSpec | HistorySpec | DerivedSpec) -> pd.Series:
    if not isinstance(variable, HistorySpec) and variable.kind == "category":
        return pd.Series(pd.Categorical([], categories=list(variable.levels)))
    return pd.Series([], dtype="float64")


def _derived_faults(place: Place, derived: DerivedSpec, frame: pd.DataFrame, later: set[str]) -> Iterator[Fault]:
    if derived.kind == "date":
        yield Fault((*place, "kind"), "a date comes from a raw file; make a number, a category or a flag of it.")
    if (derived.expression is None) == (derived.cases is None):
        yield Fault(place, "needs either `expression` or `cases`, and not both.")
    elif derived.expression is not None and derived.kind == "category":
        yield Fault((*place, "expression"), "gives no category. Write cases = [{ when = '...', then = 'label' }].")
    elif derived.expression is not None:
        yield from _text_faults((*place, "expression"), derived.expression, derived.kind, frame, later)
    for i, case in enumerate(derived.cases or ()):
        at: Place = (*place, "cases", i)
        yield from _text_faults((*at, "when"), case.when, "flag", frame, later)
        if derived.kind == "category" and not isinstance(case.then, str):
            yield Fault((*at, "then"), f"must be a label in quotes; got {shown(case.then)}")
        elif derived.kind == "flag" and not isinstance(case.then, bool):
            yield Fault((*at, "then"), f"must be true or false; got {shown(case.then)}")
        elif derived.kind == "number" and isinstance(case.then, bool):
            yield Fault((*at, "then"), f"must be a number or an expression in quotes; got {shown(case.then)}")
        elif derived.kind == "number" and isinstance(case.then, str):
            yield from _text_faults((*at, "then"), case.then, "number", frame, later)


def _text_faults(
    place: Place, text: str, kind: Kind, frame: pd.DataFrame, later: Collection[str] = ()
) -> Iterator[Fault]:
    try:
        expression = parse(text)
        early = [name for name in expression.names if name in later]
        if early:
            yield Fault(place, f"expression '{text}': '{early[0]}' is derived here or further down. Move it above.")
            return
        values = expression.truth(frame) if kind == "flag" else expression.evaluate(frame)
    except RiskkitError as error:
        yield Fault(place, str(error))
        return
    if values.dtype != "float64":
        yield Fault(place, f"expression '{text}' is {'a condition' if values.dtype == bool else 'text'}, not a number.")
