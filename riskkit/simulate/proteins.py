"""Proteins of the twin: a table like UK Biobank's olink_data, ten of which act on diseases, and all others on none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from riskkit.simulate.blood import Blood
from riskkit.simulate.people import People
from riskkit.simulate.write import Format

MOST = 2_923  # as UK Biobank has
MEASURED = 53_000  # people at most, as there
MISSING = 0.02  # of the results of each protein, at random
FACTORS, SHARED = 10, 0.3  # what proteins that act on nothing have in common, and how strongly
AGE, MALE, BMI = 0.2, 0.15, 0.15  # of each protein, in standard deviations, with signs and sizes of its own
AT_ONCE = 16  # proteins written at a time

# protein_id: log hazard ratio per standard deviation given age, sex and BMI, and the diseases it is of.
EFFECTS: dict[int, tuple[float, tuple[str, ...]]] = {
    3: (0.30, ("heart_failure",)),
    7: (0.25, ("myocardial_infarction", "other_ischaemic_heart_disease")),
    11: (-0.20, ("myocardial_infarction", "other_ischaemic_heart_disease")),
    19: (0.30, ("ischaemic_stroke", "unspecified_stroke", "subarachnoid_haemorrhage", "intracerebral_haemorrhage")),
    23: (0.40, ("lung",)),
    31: (0.25, ("colorectal",)),
    37: (0.20, ("prostate",)),
    41: (-0.20, ("breast",)),
    43: (0.50, ("kidney",)),
    47: (0.70, ("liver",)),
}


@dataclass(frozen=True)
class Proteins:
    """How proteins are drawn.

    Attributes
    ----------
    acting : dict of protein_id to array, shape (n,)
        The standard normal part of those that act on diseases, which is independent of everything else.
    loadings : array, shape (FACTORS, k)
        Of the proteins on what they share; zero for those that act.
    slopes : array, shape (3, k)
        On age, sex and BMI.
    mean, sd : array, shape (k,)
        Of the results, NPX.
    """

    acting: dict[int, np.ndarray]
    loadings: np.ndarray
    slopes: np.ndarray
    mean: np.ndarray
    sd: np.ndarray


def draw_proteins(k: int, n: int, rng: np.random.Generator) -> Proteins:
    """Draw what k proteins of n people have to do with each other and with everything else.

    Parameters
    ----------
    k, n : int
    rng : numpy.random.Generator

    Returns
    -------
    Proteins
    """
    acting = {identifier: rng.standard_normal(n) for identifier in EFFECTS if identifier < k}
    loadings = SHARED * rng.standard_normal((FACTORS, k))
    loadings[:, list(acting)] = 0
    slopes = np.array([[AGE], [MALE], [BMI]]) * rng.uniform(-1, 1, (3, k))
    return Proteins(acting, loadings, slopes, rng.uniform(-1, 3, k), rng.uniform(0.4, 1.4, k))


def hazards(proteins: Proteins) -> dict[str, np.ndarray]:
    """Log hazard that proteins add to each disease they act on, shape (n,)."""
    found: dict[str, np.ndarray] = {}
    for identifier, values in proteins.acting.items():
        effect, diseases = EFFECTS[identifier]
        for disease in diseases:
            found[disease] = found.get(disease, 0.0) + effect * values
    return found


def write_proteins(
    proteins: Proteins, people: People, blood: Blood, folder: Path, rng: np.random.Generator, form: Format
) -> Path:
    """Write olink_data, some proteins at a time: eid, ins_index, protein_id, result; a missing result has no row.

    Parameters
    ----------
    proteins : Proteins
    people : People
    blood : Blood
    folder : Path
    rng : numpy.random.Generator
    form : {"parquet", "csv"}

    Returns
    -------
    Path
    """
    n, k = people.n, proteins.loadings.shape[1]
    some = np.sort(rng.choice(n, MEASURED, replace=False)) if n > MEASURED else np.arange(n)
    about = np.column_stack([(people.age - 56.5) / 8.1, people.male - 0.45, (people.bmi - 27.3) / 4.7])[some]
    shared = rng.standard_normal((some.size, FACTORS))
    schema = pa.schema(
        [("eid", pa.int64()), ("ins_index", pa.int32()), ("protein_id", pa.int32()), ("result", pa.float64())]
    )
    path = folder / f"olink_data.{form}"
    opened = (
        pa.csv.CSVWriter(path, schema)
        if form == "csv"
        else pa.parquet.ParquetWriter(path, schema, compression="zstd", store_schema=False)
    )
    with opened as out:
        for start in range(0, k, AT_ONCE):
            own = slice(start, min(start + AT_ONCE, k))
            values = about @ proteins.slopes[:, own] + shared @ proteins.loadings[:, own]
            for j, identifier in enumerate(range(own.start, own.stop)):
                acts = proteins.acting.get(identifier)
                values[:, j] += rng.standard_normal(some.size) if acts is None else acts[some]
            results = np.round(proteins.mean[own] + proteins.sd[own] * values, 4)
            kept = rng.random(results.shape) >= MISSING
            for j, identifier in enumerate(range(own.start, own.stop)):
                rows = kept[:, j]
                eid = people.eid[some][rows]
                columns = [
                    eid, np.zeros(eid.size, np.int32), np.full(eid.size, identifier, np.int32), results[rows, j],
                ]  # fmt: skip
                out.write_table(pa.table([pa.array(each) for each in columns], schema=schema))
    return path


def describe_proteins(proteins: Proteins) -> dict[str, Any]:
    """What truth.json says of them.

    Parameters
    ----------
    proteins : Proteins

    Returns
    -------
    dict
        Ready for JSON: how many there are, and of those that act their log hazard ratio per `sd`, the standard
        deviation of a result given age, sex and BMI.
    """
    return {
        "table": "olink_data",
        "proteins": int(proteins.loadings.shape[1]),
        "adjust_for": ["age", "sex", "body mass index"],
        "effects": [
            {
                "protein_id": identifier,
                "log_hazard_ratio_per_sd": EFFECTS[identifier][0],
                "sd": float(proteins.sd[identifier]),
                "diseases": list(EFFECTS[identifier][1]),
            }
            for identifier in proteins.acting
        ],
    }
