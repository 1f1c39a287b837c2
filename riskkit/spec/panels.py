"""Tables of a cohort file about panels: many numbers of each person, one a row, such as proteins or metabolites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from riskkit.errors import did_you_mean
from riskkit.spec.faults import Fault
from riskkit.spec.load import SpecModel

if TYPE_CHECKING:
    from riskkit.spec.cohort import CohortSpec


class PanelSpec(SpecModel):
    """A file of many records in which each is one number of one person; every item becomes a variable, PANEL_ITEM."""

    file: str = Field(description="key of the file; join = 'inner' there leaves out people without any record")
    item: str = Field(description="column that says what was measured, such as protein_id")
    value: str = Field(description="column of the number")
    where: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="column = codes of the records that count, such as ins_index = ['0']"
    )
    label: str = Field(description="what an item is, before its name: 'Protein'")
    unit: str | None = None


def panel_faults(spec: CohortSpec) -> Iterator[Fault]:
    """What is wrong with panels, for the files of a cohort.

    Parameters
    ----------
    spec : CohortSpec

    Yields
    ------
    Fault
    """
    for name, panel in spec.panels.items():
        place = ("panels", name)
        file = spec.files.get(panel.file)
        if file is None:
            yield Fault((*place, "file"), f"there is no file '{panel.file}'.{did_you_mean(panel.file, spec.files)}")
        elif file.rows != "many":
            yield Fault((*place, "file"), f"'{panel.file}' has one record a person. Write rows = 'many' in its table.")
        elif file.format not in ("csv", "parquet", "table"):
            yield Fault((*place, "file"), f"'{panel.file}' must be Parquet or CSV, not {file.format}.")
        alike = [other for other in spec.columns if other.startswith(f"{name}_")]
        if alike:
            yield Fault(place, f"its variables begin with {name}_, as '{alike[0]}' does. Choose another name.")
