"""A small cohort to spoil in the tests: its specification and its two raw files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

SPEC = """
title = "Five people"
id = "ID"
base = "people"

[fetch]
mirror = "five"

[files.people]
path = "PEOPLE.CSV"
format = "csv"

[files.deaths]
label = "the deaths"
path = "DEATHS.DAT"
format = "fixed"
id_columns = [1, 3]
record_length = 8

[variables.age]
source = "people.AGE"
label = "Age"
kind = "number"
unit = "years"
missing = ["999"]
range = [18, 90]
top_code = { at = 90, meaning = "90 or older" }
note = "At entry."

[variables.sex]
source = "people.SEX"
label = "Sex"
kind = "category"
codes = { 2 = "Female", 1 = "Male" }
missing = ["9"]

[variables.crp]
source = "people.CRP"
label = "CRP"
kind = "number"
unit = "mg/L"
range = [0, 50]
outside = "missing"
bottom_code = { at = 0.1, meaning = "not detected" }

[variables.months]
source = "deaths.MONTHS"
columns = [5, 7]
label = "Months"
kind = "number"
unit = "months"

[variables.died]
source = "deaths.DIED"
columns = [8, 8]
label = "Died"
kind = "flag"
codes = { 0 = "no", 1 = "yes" }

[derived.log_crp]
label = "Log CRP"
kind = "number"
expression = "log(crp)"

[[exclusions]]
label = "Not followed"
when = "missing(months)"

[[exclusions]]
label = "Aged under 20"
when = "age < 20"

[follow_up]
time = "months"
age = "age"
unit = "years"
start = "entry"
end = "death or the end"

[outcomes.death]
label = "Death"
event = "died"

[outcomes.death_of_men]
label = "Death of men"
event = "died"
only = "sex == 'Male'"
"""
PEOPLE = "ID,SEX,AGE,CRP\n1,1,40,0.1\n2,2,90,2.5\n3,1,19,\n4,9,60,70\n5,2,33,1\n"
DEATHS = "001  120\r\n002   61\r\n003  120\r\n005   30\r\n"

MakeCohort = Callable[..., Path]
