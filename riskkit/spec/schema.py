"""JSON Schemas of cohort and analysis files, from the models that check them: editors complete and explain by them."""

from __future__ import annotations

import json
from typing import Any, Literal

from riskkit.spec.analysis import analysis_model
from riskkit.spec.cohort import CohortSpec

TOML = Literal["cohort", "analysis"]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLES: dict[str, str] = {"cohort": "A cohort of riskkit", "analysis": "An analysis of riskkit"}


def schema(kind: TOML) -> dict[str, Any]:
    """Give the JSON Schema of one kind of TOML file, its fields with what they mean.

    Parameters
    ----------
    kind : {'cohort', 'analysis'}

    Returns
    -------
    dict
        It says what single fields may be. What only the whole file tells (a name that does not exist) is found by
        `load_cohort_spec` and `load_analysis`.
    """
    model = CohortSpec if kind == "cohort" else analysis_model()
    found = model.model_json_schema()
    required = [field for field in found["required"] if field != "name"]  # the file's name, unless given
    return {"$schema": DIALECT, **found, "title": TITLES[kind], "required": required}


def schema_text(kind: TOML) -> str:
    """Write the schema as the text of a file."""
    return json.dumps(schema(kind), indent=2, ensure_ascii=False) + "\n"
