"""The command line: riskkit look | init | schema | fetch | check | cohort | run | report | replicate | index ..."""

from __future__ import annotations

import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from riskkit.dependencies import write_dependencies
from riskkit.errors import DataError, DataUnavailable, RiskkitError, SpecError
from riskkit.folders import tidy, told

if TYPE_CHECKING:
    from riskkit.cohort.lock import Source
    from riskkit.report.evidence.read import Evidence
    from riskkit.report.index import IndexEntry
    from riskkit.results import Results
    from riskkit.runner.ranges import RangesResults
    from riskkit.spec.cohort import CohortSpec

COHORTS, ANALYSES = Path("cohorts"), Path("analyses")
TABLES, RESULTS, REPORTS = Path("build/cohorts"), Path("build/results"), Path("reports")
DEPENDS, REPLICATIONS = Path("build/depends"), Path("build/replicate")

Reported = Annotated[str, typer.Argument(help="Name of an analysis that has a report.")]

app = typer.Typer(
    help="From a cohort's raw files to a report a reader can trust.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def main() -> None:
    """Run the command line; what a user got wrong, or the system refuses, is one message and exit code 1."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is half written goes
    try:
        with told(Path.cwd()):
            app()
    except RiskkitError as error:
        err.print(f"riskkit: {error}", style="red", markup=False)
        sys.exit(1)
    except MemoryError:
        err.print("riskkit: there is not enough memory. Close other programs, or use a larger machine.", style="red")
        sys.exit(1)


@app.command()
def look(
    file: Annotated[Path, typer.Argument(help="A data file: CSV, Parquet, SAS, Stata, or of fixed width.")],
    fields: Annotated[
        str | None, typer.Option(help="Positions of columns in a file of fixed width: id=1-5,age=6-8.")
    ] = None,
) -> None:
    """Print the columns of a data file as a codebook: kinds, missing values, quantiles, levels, doubtful codes."""
    from riskkit.cohort.codebook import codebook
    from riskkit.cohort.look import look as look_at

    for line in codebook(look_at(file, _positions(fields) if fields else None)):
        out.print(line, markup=False)


def _positions(text: str) -> dict[str, tuple[int, int]]:
    found = {}
    for part in text.split(","):
        name, _, place = part.strip().partition("=")
        first, _, last = place.partition("-")
        if not (name and first.isdecimal() and (last or first).isdecimal()):
            raise SpecError(f"--fields: '{part}' is not of the form NAME=FIRST-LAST, such as age=6-8.")
        found[name] = int(first), int(last or first)
    return found


@app.command()
def init(
    data: Annotated[Path, typer.Argument(help="A data file with one record a person: CSV, Parquet, SAS or Stata.")],
    identifier: Annotated[str | None, typer.Option("--id", help="The column that identifies people.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the cohort and the analysis; the file's by default.")
    ] = None,
    exposure: Annotated[str | None, typer.Option(help="The column whose association is asked for, a number.")] = None,
    event: Annotated[
        str | None, typer.Option(help="The column of the outcome: 0 and 1, COLUMN=CODE[,CODE], or a date.")
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="The column of follow-up time, or the date of its end; none if there is none.")
    ] = None,
    time_unit: Annotated[str | None, typer.Option(help="Unit of --time: days, months or years.")] = None,
    age: Annotated[str | None, typer.Option(help="The column of age at entry, or the date of birth; or none.")] = None,
    entry: Annotated[str | None, typer.Option(help="The column of the date on which follow-up starts.")] = None,
) -> None:
    """Write a first cohort and analysis file from a data file; what is not named is guessed, and said."""
    from riskkit.cohort.begin import begin
    from riskkit.cohort.roles import Wishes

    begun = begin(data, Wishes(identifier, exposure, event, time, age, entry, time_unit), name)
    _mark(begun.spec, begun.sources)
    out.print(f"{begun.spec.name}: {begun.cohort} and {begun.analysis} written", markup=False)
    for remark in begun.remarks:
        out.print(f"  {remark}", style="yellow", markup=False)
    out.print("Read and correct both files, then:", markup=False)
    for line in (f"cohort {begun.cohort}", f"run {begun.analysis}", f"report {begun.spec.name}"):
        out.print(f"  riskkit {line}", markup=False)


@app.command()
def schema(kind: Annotated[str, typer.Argument(help="cohort or analysis.")]) -> None:
    """Print the JSON Schema of cohort or analysis files, by which editors complete and explain their fields."""
    from riskkit.spec.schema import schema_text

    match kind:
        case "cohort" | "analysis":
            typer.echo(schema_text(kind), nl=False)
        case _:
            raise SpecError(f"there are schemas of 'cohort' and of 'analysis' files; got '{kind}'.")


@app.command()
def fetch(
    cohort: Annotated[str | None, typer.Argument(help="Name of a file in cohorts/, without .toml.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every cohort; what cannot be had is said. Without any, people are simulated.")
    ] = False,
    source: Annotated[Path | None, typer.Option("--from", help="A folder that has the files.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Accept files that differ from the recorded ones.")] = False,
) -> None:
    """Get a cohort's raw files, from a mirror folder (--from or RISKKIT_MIRROR) or from the addresses in its file."""
    if every == bool(cohort):
        raise SpecError("fetch takes either the name of a cohort or --all.")
    if cohort:
        _fetch(_cohort_file(cohort), source, accept)
        return
    paths = sorted(COHORTS.glob("*.toml"))
    absent = {path: error for path in paths if (error := _missing(path, source, accept))}
    if len(absent) == len(paths):
        for path in filter(_has_twin, paths):
            _fetch(path, source, accept)
            del absent[path]
    for path, error in absent.items():
        out.print(f"{path.stem}: left out, its data are not here. {error}", style="yellow", markup=False)


@app.command()
def simulate(
    cohort: Annotated[str, typer.Argument(help="Name of a cohort with a simulated twin: ukb.")],
    people: Annotated[int, typer.Option("--people", "-n", help="How many; UK Biobank has 502,000.")] = 50_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same people.")] = 1,
) -> None:
    """Make up raw files of a cohort: invented people in its format, used while the real files are not there."""
    from riskkit.cohort.fallback import data_folder, is_simulated
    from riskkit.cohort.fallback import simulate as simulate_people
    from riskkit.spec.cohort import load_cohort_spec

    spec = load_cohort_spec(_cohort_file(cohort))
    with _progress() as progress:
        bar = progress.add_task(spec.name, total=None)
        sources = simulate_people(
            spec,
            Path(),
            people,
            seed,
            lambda done, total, what: progress.update(bar, completed=done, total=total, description=what),
        )
    out.print(f"{spec.name}: {len(sources)} raw files of {people:,} simulated people", markup=False)
    if is_simulated(data_folder(spec, Path())):
        _mark(spec, sources)
    else:
        out.print("  The real files are there and stay in use.", style="yellow", markup=False)


@app.command()
def check(path: Annotated[Path, typer.Argument(help="A cohort file or a report's folder.")]) -> None:
    """Check a cohort's code lists (cohorts/ukb.toml), or every number of a report (reports/igf1-mortality)."""
    from riskkit.cohort.codelists import codelists_told
    from riskkit.spec.cohort import load_cohort_spec

    if path.is_dir():
        _check_report(path)
        return
    for line in codelists_told(load_cohort_spec(path)):
        out.print(line, markup=False)


def _check_report(folder: Path) -> None:
    """Make every number of a report again from the stored results, and say which differ."""
    from riskkit.report.check import check_report
    from riskkit.report.evidence.page import check_evidence

    if _is_evidence(folder.name):
        checked = check_evidence(_evidence(folder.name), folder)
    elif _is_ranges(folder.name):
        from riskkit.report.ranges.page import check_ranges

        checked = check_ranges(_released_ranges(folder.name), folder)
    else:
        checked = check_report(_released(folder.name), folder)
    for row in checked.differences.itertuples():
        told = f"{row.where}: the report has '{row.printed}', the results give '{row.derived}'"
        out.print(told, style="red", markup=False)
    if len(checked.differences):
        raise DataError(
            f"{folder}: {len(checked.differences)} passages differ from the stored results; write it again."
        )
    out.print(f"{folder}: {checked.numbers:,} numbers made again from the stored results, none differs", markup=False)


@app.command()
def cohort(file: Annotated[Path, typer.Argument(help="A cohort file, such as cohorts/nhanes3.toml.")]) -> None:
    """Build a cohort's analysis table from its raw files."""
    from riskkit.cohort.build import load_cohort

    built = load_cohort(file)
    path = TABLES / f"{file.stem}.parquet"
    built.write(path)
    write_dependencies(path, DEPENDS / f"cohort-{file.stem}.d")
    out.print(f"{file.stem}: {len(built.data):,} people, written to {path}", markup=False)
    for step in built.flow:
        removed = f" (-{step.removed:,})" if step.removed else ""
        out.print(f"  {step.remaining:>9,}  {step.label}{removed}", markup=False)
    for remark in built.remarks:
        out.print(f"  {remark}", style="dim", markup=False)
    for doubt in built.doubts:
        out.print(f"  In doubt: {doubt}", style="yellow", markup=False)


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help="An analysis file, such as analyses/igf1-mortality.toml.")],
    show_plan: Annotated[bool, typer.Option("--plan", help="Print what would be fitted, and fit nothing.")] = False,
    scheduler: Annotated[str | None, typer.Option(help="Address of a dask scheduler to send the fitting to.")] = None,
    imputations: Annotated[
        int | None, typer.Option(help="Impute missing covariates of the main model so many times (20 is common).")
    ] = None,
) -> None:
    """Fit every model of an analysis to its built cohort; an interrupted run goes on where it was."""
    from riskkit.spec.analysis import load_analysis
    from riskkit.spec.evidence import KIND as EVIDENCE
    from riskkit.spec.plan import plan, plan_told
    from riskkit.spec.ranges import KIND as RANGES
    from riskkit.spec.ranges import kind_of
    from riskkit.spec.remarks import remarks

    kind = kind_of(file)
    if kind == EVIDENCE:
        out.print(f"{file}: nothing is fitted to published evidence. Write its report: riskkit report {file.stem}")
        return
    if kind == RANGES:
        _run_ranges(file, show_plan)
        return
    spec, cohort_spec = load_analysis(file)
    for remark in remarks(spec, cohort_spec):
        out.print(f"{spec.name}: {remark}", style="yellow", markup=False)
    if show_plan:
        for line in plan_told(plan(spec, cohort_spec.follow_up.age if cohort_spec.follow_up else None)):
            out.print(line, markup=False)
        return
    from riskkit.cohort.cohort import Cohort  # from here on there is something to wait for
    from riskkit.cohort.fallback import raw_folder
    from riskkit.runner import run as run_analysis
    from riskkit.runner.staleness import check_cohort

    table = TABLES / f"{spec.cohort}.parquet"
    built = Cohort.read(table) if table.is_file() else None
    if built is not None:
        check_cohort(built, cohort_spec, table, raw_folder(cohort_spec, Path()))
    with _progress() as progress:
        bar = progress.add_task(spec.name, total=None)
        results = run_analysis(
            file,
            built,
            lambda done, total, what: progress.update(bar, completed=done, total=total, description=what),
            keep=RESULTS / f".{spec.name}.kept",
            scheduler=scheduler,
            imputations=imputations,
        )
    written = results.write(RESULTS / spec.name)
    write_dependencies(written, DEPENDS / f"results-{spec.name}.d")
    left_out = f", {len(results.failures)} not fitted (listed in the report)" if len(results.failures) else ""
    seconds = results.manifest.provenance.seconds
    fitted = len(results.fits) + len(results.variants)
    out.print(f"{spec.name}: {fitted} models fitted{left_out} in {seconds} s", markup=False)


@app.command()
def report(name: Annotated[str, typer.Argument(help="Name of an analysis that has been run.")]) -> None:
    """Write an analysis's report from its results; nothing is fitted again."""
    from riskkit.report.evidence.page import write_evidence_report
    from riskkit.report.page import write_report

    with _progress() as progress:
        bar = progress.add_task(name, total=None)

        def drawn(what: str) -> None:
            progress.update(bar, description=what)

        if _is_evidence(name):
            page = write_evidence_report(_evidence(name), REPORTS / name, drawn)
        elif _is_ranges(name):
            from riskkit.report.ranges.page import write_ranges_report

            page = write_ranges_report(_released_ranges(name), REPORTS / name, drawn)
        else:
            page = write_report(_released(name), REPORTS / name, drawn)
    parts = (
        path for folder in ("templates", "vendor") for path in (Path(__file__).parent / "report" / folder).iterdir()
    )
    write_dependencies(page, DEPENDS / f"report-{name}.d", parts)
    out.print(f"{name}: {page}", markup=False)


@app.command()
def pdf(name: Reported) -> None:
    """Write an analysis's report as a PDF for paper, beside its page."""
    from riskkit.report.pdf import write_pdf

    out.print(f"{name}: {write_pdf(REPORTS / name)}", markup=False)


@app.command()
def docx(name: Reported) -> None:
    """Write an analysis's report as a Word document with native tables, beside its page."""
    from riskkit.report.document import write_docx
    from riskkit.report.evidence.page import write_evidence_docx

    if _is_evidence(name):
        path = write_evidence_docx(_evidence(name), REPORTS / name)
    elif _is_ranges(name):
        from riskkit.report.ranges.page import write_ranges_docx

        path = write_ranges_docx(_released_ranges(name), REPORTS / name)
    else:
        path = write_docx(_released(name), REPORTS / name)
    out.print(f"{name}: {path}", markup=False)


@app.command()
def replicate(name: Annotated[str, typer.Argument(help="Name of an analysis that has been run.")]) -> None:
    """Make the main models' estimates again in R from the analysis table, and compare (survival, rms, survey)."""
    import subprocess

    from riskkit.cohort.cohort import Cohort
    from riskkit.folders import whole_file
    from riskkit.report.replicate import replication, replication_table
    from riskkit.results import Results
    from riskkit.runner.staleness import check_results

    if _is_evidence(name):
        raise SpecError(f"{name}: published evidence has no models of people to make again.")
    results = Results.read(RESULTS / name)  # as the run left them: nothing of this is given away
    check_results(results.manifest, ANALYSES, COHORTS, RESULTS / name)
    table = TABLES / f"{results.manifest.cohort.name}.parquet"
    if not table.is_file():
        raise DataUnavailable(f"There is no {table}; build the cohort first: make {results.manifest.cohort.name}")
    script, people = REPLICATIONS / f"{name}.R", REPLICATIONS / f"{name}.csv"
    with whole_file(script) as new:
        new.write_text(replication(results), encoding="utf-8")
    with whole_file(people) as new:
        replication_table(results, Cohort.read(table)).to_csv(new, index=False)
    if shutil.which("Rscript") is None:
        raise DataUnavailable(f"R is not installed here. Where it is, run: Rscript {script} {people}")
    raise typer.Exit(subprocess.run(["Rscript", "--vanilla", str(script), str(people)], check=False).returncode)


@app.command()
def index() -> None:
    """Write reports/index.html: every analysis, with its answer or why it could not be made."""
    for folder in (TABLES, RESULTS, REPORTS):
        tidy(folder)  # what interrupted commands have left
    from riskkit.report.evidence.page import claims_of
    from riskkit.report.index import write_index

    paths = sorted(ANALYSES.glob("*.toml"))
    entries = [_entry(path) for path in paths]
    spoken: dict[str, list[tuple[str, str]]] = {}
    for path, entry in zip(paths, entries, strict=True):
        for name, claims in claims_of(path).items() if entry.published and not entry.reason else ():
            spoken.setdefault(name, []).extend(claims)
    write_index(REPORTS, [replace(entry, claims=tuple(spoken.get(entry.name, ()))) for entry in entries])


def _entry(path: Path) -> IndexEntry:
    """Show an analysis as made when its report is there; otherwise say what is missing."""
    from riskkit.cohort.fallback import raw_folder
    from riskkit.report.evidence.page import evidence_entry
    from riskkit.report.index import IndexEntry, index_entry
    from riskkit.spec.analysis import load_analysis
    from riskkit.spec.evidence import is_evidence

    if is_evidence(path):
        return evidence_entry(path, REPORTS / path.stem)
    if _is_ranges(path.stem):
        return _ranges_entry(path)
    stale = ""
    if (REPORTS / path.stem / "index.html").is_file() and (RESULTS / path.stem).is_dir():
        try:
            return index_entry(_released(path.stem))
        except DataError as error:
            stale = str(error)
    spec, cohort = load_analysis(path)
    raw = raw_folder(cohort, Path())
    reason = stale or f"It has not been run yet: make reports/{path.stem}/index.html."
    if not (raw / ".complete").is_file():
        reason = (
            f"The data of this cohort are not in {raw}. Put the files there, or set RISKKIT_MIRROR to a folder that "
            "has them, and run make again."
        )
    return IndexEntry(spec.name, spec.title, spec.question, cohort.title, cohort.simulated, reason=reason)


def _released(name: str) -> Results:
    """Results as they may be shown, if they are of the analysis and the cohort as their files are now."""
    from riskkit.disclosure import read_released
    from riskkit.runner.staleness import check_results

    results = read_released(RESULTS / name)
    check_results(results.manifest, ANALYSES, COHORTS, RESULTS / name)
    return results


def _run_ranges(file: Path, show_plan: bool) -> None:
    """Learn the reference ranges of a file from its built cohorts."""
    from riskkit.cohort.cohort import Cohort
    from riskkit.cohort.fallback import raw_folder
    from riskkit.runner.ranges import run_ranges
    from riskkit.runner.staleness import check_cohort
    from riskkit.spec.ranges import load_ranges

    spec, cohorts = load_ranges(file)
    if show_plan:
        for sample in spec.samples:
            by = f" by {sample.by}" if sample.by else ""
            out.print(f"{sample.id}: {sample.measurement} ~ {sample.age}{by}, cohort {sample.cohort}", markup=False)
        return
    built = {}
    for name, cohort_spec in cohorts.items():
        table = TABLES / f"{name}.parquet"
        if table.is_file():
            built[name] = Cohort.read(table)
            check_cohort(built[name], cohort_spec, table, raw_folder(cohort_spec, Path()))
    with _progress() as progress:
        bar = progress.add_task(spec.name, total=None)
        results = run_ranges(
            file, built, lambda done, total, what: progress.update(bar, completed=done, total=total, description=what)
        )
    written = results.write(RESULTS / spec.name)
    write_dependencies(written, DEPENDS / f"results-{spec.name}.d")
    out.print(
        f"{spec.name}: reference ranges of {len(spec.samples)} samples in {results.provenance.seconds} s", markup=False
    )


def _is_ranges(name: str) -> bool:
    """Whether the analysis of this name is of reference ranges; its file may be gone."""
    from riskkit.spec.ranges import KIND, kind_of

    path = ANALYSES / f"{name}.toml"
    return path.is_file() and kind_of(path) == KIND


def _released_ranges(name: str) -> RangesResults:
    """Reference ranges as they may be shown, if they are of the files as these are now."""
    from riskkit.runner.ranges import RangesResults
    from riskkit.runner.ranges.results import check_current, protected

    results = RangesResults.read(RESULTS / name)
    check_current(results, ANALYSES / f"{name}.toml", COHORTS, RESULTS / name)
    return protected(results)


def _ranges_entry(path: Path) -> IndexEntry:
    """Show reference ranges as made when their report is there; otherwise say what is missing."""
    from riskkit.report.index import IndexEntry
    from riskkit.report.ranges.page import ranges_entry
    from riskkit.spec.ranges import load_ranges

    reason = f"It has not been run yet: make reports/{path.stem}/index.html."
    if (REPORTS / path.stem / "index.html").is_file() and (RESULTS / path.stem).is_dir():
        try:
            return ranges_entry(_released_ranges(path.stem))
        except DataError as error:
            reason = str(error)
    spec, cohorts = load_ranges(path)
    titles = "; ".join(cohort.title for cohort in cohorts.values())
    lacking = [name for name in cohorts if not (Path("build/raw") / name / ".complete").is_file()]
    if lacking:
        reason = (
            f"The data of {' and '.join(lacking)} are not in build/raw. Put the files there, or set RISKKIT_MIRROR "
            "to a folder that has them, and run make again."
        )
    return IndexEntry(spec.name, spec.title, spec.question, titles, reason=reason)


def _is_evidence(name: str) -> bool:
    """Whether the analysis of this name is of published evidence; its file may be gone."""
    from riskkit.spec.evidence import is_evidence

    path = ANALYSES / f"{name}.toml"
    return path.is_file() and is_evidence(path)


def _evidence(name: str) -> Evidence:
    """An evidence file with its tables and the results that it names, as they may be shown."""
    from riskkit.report.evidence.read import read_evidence

    return read_evidence(ANALYSES / f"{name}.toml", _released_if_there)


def _released_if_there(name: str) -> Results:
    if not (RESULTS / name / "results.json").is_file():
        raise DataError(f"It has not been run: riskkit run {ANALYSES / name}.toml (or make).")
    return _released(name)


def _cohort_file(name: str) -> Path:
    from riskkit.errors import did_you_mean

    path = COHORTS / f"{name}.toml"
    if not path.is_file():
        raise SpecError(f"{path}: no such cohort.{did_you_mean(name, sorted(p.stem for p in COHORTS.glob('*.toml')))}")
    return path


def _missing(path: Path, source: Path | None, accept: bool) -> DataUnavailable | None:
    """Fetch one cohort's real data, or a twin that is already there; return what says that there is neither."""
    try:
        _fetch(path, source, accept, invent=False)
    except DataUnavailable as error:
        return error
    return None


def _has_twin(path: Path) -> bool:
    from riskkit.cohort.fallback import has_twin
    from riskkit.spec.cohort import load_cohort_spec

    return has_twin(load_cohort_spec(path))


def _fetch(path: Path, source: Path | None, accept: bool, invent: bool = True) -> None:
    """Fetch one cohort and mark it complete."""
    from riskkit.cohort.fallback import data_folder, is_simulated
    from riskkit.cohort.fetch import fetch as fetch_files
    from riskkit.spec.cohort import load_cohort_spec

    spec = load_cohort_spec(path)
    sources = fetch_files(spec, Path(), mirror=source, accept=accept, invent=invent)
    _mark(spec, sources)
    simulated = " of simulated people" if is_simulated(data_folder(spec, Path())) else ""
    out.print(f"{spec.name}: {len(sources)} raw files{simulated} ready", markup=False)


def _mark(spec: CohortSpec, sources: tuple[Source, ...]) -> None:
    """Mark a cohort's files as complete; the mark is renewed only when a file changed: make goes by its age."""
    from riskkit.cohort.fallback import raw_folder

    mark = raw_folder(spec, Path()) / ".complete"
    content = "".join(f"{s.sha256}  {s.file}\n" for s in sources)
    if not mark.is_file() or mark.read_text() != content:
        mark.write_text(content)


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=err, transient=True)
