"""Write nhefs.csv, the example of Hernan and Robins's book, from the data that the package causallib ships.

Run with causallib 0.10 installed: python nhefs.py. NHEFS is a work of the US Government.
"""

from pathlib import Path

import causallib.datasets
import pandas as pd

COLUMNS = ["seqn", "qsmk", "wt82_71", "sex", "race", "age", "education", "smokeintensity", "smokeyrs"]
COLUMNS += ["exercise", "active", "wt71"]

folder = Path(causallib.datasets.__file__).parent / "data" / "nhefs"
data = pd.read_csv(folder / "NHEFS.csv")
data.dropna(subset="wt82_71")[COLUMNS].to_csv(Path(__file__).parent / "nhefs.csv", index=False)
