from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, field_validator

from riskkit.errors import SpecError
from riskkit.spec.faults import Fault, in_file, shown
from riskkit.spec.load import SpecModel, read_toml, validate


class Exposure(SpecModel):
    variable: str = Field(description="the name of a variable")
    knots: int | tuple[float, ...] = 4
    coding: Literal["spline", "fifths"] = "spline"
    label: str | None = None

    @field_validator("label")
    @classmethod
    def _short(cls, label: str | None) -> str | None:
        if label and len(label) > 20:
            raise ValueError("must be at most 20 letters")
        return label


class Study(SpecModel):
    title: str
    level: float = Field(default=0.95, gt=0, lt=1)
    robust: bool = False
    exposures: tuple[Exposure, ...] = ()
    named: dict[str, Exposure] = Field(default_factory=dict)
    pair: tuple[float, float] | None = None
    some: dict[str, int] | None = Field(None, min_length=1)


def unknown_names(study: Study) -> list[Fault]:
    return [
        Fault(("exposures", i, "variable"), f"no such variable: '{exposure.variable}'")
        for i, exposure in enumerate(study.exposures)
        if exposure.variable not in {"igf1", "age"}
    ]


def faults_of(data: dict[str, object]) -> list[str]:
    with pytest.raises(SpecError) as error:
        validate(Study, data, "study.toml", unknown_names)
    return str(error.value).splitlines()


def test_reads_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_bytes(
        b'\xef\xbb\xbftitle = "T"\r\npair = [1, 2.5]\r\n[[exposures]]\r\nvariable = "igf1"\r\nknots = [1, 2]\r\n'
    )
    study = validate(Study, read_toml(file), file, unknown_names)
    assert study == Study(title="T", pair=(1.0, 2.5), exposures=(Exposure(variable="igf1", knots=(1.0, 2.0)),))


def test_a_specification_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Study(title="T").title = "U"


def test_syntax_error_names_line_column_and_shows_the_line(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text('title = "T"\nlevel = 0,95\n')
    with pytest.raises(SpecError) as error:
        read_toml(file)
    first, line, caret = str(error.value).splitlines()
    assert first.startswith(f"{file}: line 2, column 10: not valid TOML: ")
    assert line == "  level = 0,95"
    assert caret.index("^") - 2 == "level = 0,95".index(",")


def test_syntax_error_at_the_end_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text('pair = [1,\n"a",')
    with pytest.raises(SpecError, match=r"not valid TOML: .*at the end of the file \(line 2\)"):
        read_toml(file)


def test_a_file_that_is_not_there_is_guessed(tmp_path: Path) -> None:
    (tmp_path / "nhanes3.toml").write_text("")
    with pytest.raises(SpecError, match=r"nhanse3.toml: there is no such file. Did you mean 'nhanes3.toml'\?"):
        read_toml(tmp_path / "nhanse3.toml")


def test_a_file_nested_without_end(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text("a = " + "[" * 100_000)
    with pytest.raises(SpecError, match="too deeply"):
        read_toml(file)


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_bytes(b'title = "caf\xe9"')
    with pytest.raises(SpecError, match=r"byte 13 is not UTF-8 text\. Save the file as UTF-8"):
        read_toml(file)


def test_all_faults_are_listed_at_once_with_cross_checks() -> None:
    lines = faults_of(
        {
            "title": "T",
            "levle": 0.9,
            "robust": "yes",
            "exposures": [{"variable": "igf1", "coding": "splines"}, {"variable": "igf2"}],
            "named": {"label": {"variable": "age", "lable": "Age"}},
        }
    )
    assert lines == [
        "study.toml: 5 faults",
        "  robust: must be true or false; got 'yes'",
        "  exposures[1].coding: must be 'spline' or 'fifths'; got 'splines'. Did you mean 'spline'?",
        "  named.label.lable: unknown field. Did you mean 'label'?",
        "  levle: unknown field. Did you mean 'level'?",
        "  exposures[2].variable: no such variable: 'igf2'",
    ]


def test_a_missing_field_says_what_it_is_and_that_names_wait() -> None:
    lines = faults_of({"title": "T", "exposures": [{"knots": 4}, {"variable": "igf2"}]})
    assert lines[:2] == [
        "study.toml: 1 fault",
        "  exposures[1].variable: is required and missing: the name of a variable",
    ]
    assert "checked once these are mended" in lines[2]


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ({"level": 95}, "level: must be less than 1; got 95"),
        ({"level": "0.9"}, "level: must be a number; got '0.9'"),
        ({"title": 3}, "title: must be text in quotes; got 3"),
        ({"exposures": "igf1"}, "exposures: must be a list; got 'igf1'"),
        ({"exposures": [{"variable": "age", "coding": 4}]}, "exposures[1].coding: must be 'spline' or 'fifths'; got 4"),
        ({"exposures": [3]}, "exposures[1]: must be a table; got 3"),
        ({"pair": [1]}, "pair[2]: is required and missing"),
        ({"some": {}}, "some: must be a table of at least 1; got a table"),
        ({"pair": [1, 2, 3]}, "pair: must be a list of at most 2; got [1, 2, 3]"),
        (
            {"exposures": [{"variable": "age", "knots": "4"}]},
            "exposures[1].knots: must be a whole number or a list; got '4'",
        ),
        ({"exposures": [{"variable": "age", "label": "x" * 21}]}, "exposures[1].label: must be at most 20 letters"),
        ({"named": {"a b": {"variable": 1}}}, 'named."a b".variable: must be text in quotes; got 1'),
        ({"zzz": 1}, "zzz: unknown field. Known: title, level, robust, exposures, named, pair, some."),
    ],
)
def test_faults_are_in_the_users_words(table: dict[str, object], line: str) -> None:
    assert faults_of({"title": "T"} | table)[:2] == ["study.toml: 1 fault", f"  {line}"]


def test_a_wrong_item_of_a_list_is_named_by_its_number() -> None:
    lines = faults_of({"title": "T", "exposures": [{"variable": "age", "knots": [1, "two", 3]}]})
    assert "  exposures[1].knots[2]: must be a number; got 'two'" in lines


def test_places_and_values_are_written_as_in_the_file() -> None:
    assert in_file(("exposures", 1, "knots", 0)) == "exposures[2].knots[1]"
    assert shown(True) == "true"
    assert shown(["a", 1]) == "['a', 1]"
    assert shown({"a": 1}) == "a table"
    assert len(shown("x" * 200)) == 60
