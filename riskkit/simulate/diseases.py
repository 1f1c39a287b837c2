"""Which diseases the twin has: how often, with which codes, and how usual IGF-1 and the covariates act on them.

Baseline rates are rounded figures of the size UK registers report around age 60; covariates' effects are rounded from
the general literature. Neither is an estimate of anything. The effects of IGF-1 are the published ones, below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["cancer", "other tumour", "vascular"]

# The U of Lin 2023 (fifths 1 and 5 against 3: 1.128 and 1.056) is a parabola in measured IGF-1 with nadir 23 nmol/L and
# curvature 0.0374 per (5 nmol/L)^2; that of Xie 2023 (deaths; deciles 1 and 10 against 5: 1.39 and 1.17) has the same
# nadir and curvature 0.065. At a reliability of 0.75 the parabolas in usual IGF-1 that show as these have
# curvatures 1 / 0.75^2 times as large and their nadir a quarter nearer to the mean.
NADIR = 22.5
CURVATURE_INCIDENCE = 0.0665
CURVATURE_MORTALITY = 0.1156


@dataclass(frozen=True)
class Effects:
    """Log hazard ratios of the covariates.

    Attributes
    ----------
    bmi : float
        Per 5 kg/m2.
    height : float
        Per 10 cm.
    previous, current : float
        Smokers against never smokers.
    alcohol : float
        Daily drinkers against others.
    townsend : float
        Per 3 units of the deprivation index.
    diabetes : float
        Diabetes diagnosed before baseline.
    pressure, ldl : float
        Per 20 mmHg usual systolic pressure, per 1 mmol/L of LDL cholesterol.
    """

    bmi: float = 0.0
    height: float = 0.0
    previous: float = 0.0
    current: float = 0.0
    alcohol: float = 0.0
    townsend: float = 0.0
    diabetes: float = 0.0
    pressure: float = 0.0
    ldl: float = 0.0


NO_EFFECTS = Effects()


@dataclass(frozen=True)
class Hazard:
    """A Gompertz hazard with log-linear covariates and a line or parabola in usual IGF-1.

    Attributes
    ----------
    men, women : float
        Events per 100,000 person-years at age 60 over the whole population of that sex; 0 where it cannot occur.
    slope : float
        Rise of the log hazard per year of age.
    hazard_ratio : float
        Per 5 nmol/L of usual IGF-1.
    curvature : float
        Log hazard per (5 nmol/L)^2 from the nadir.
    effects : Effects
    """

    men: float
    women: float
    slope: float
    hazard_ratio: float = 1.0
    curvature: float = 0.0
    effects: Effects = NO_EFFECTS

    @property
    def log_hazard_ratio(self) -> float:
        """Log hazard ratio per 5 nmol/L of usual IGF-1; exactly 0 where there is no effect."""
        return math.log(self.hazard_ratio)


@dataclass(frozen=True)
class Disease:
    """A disease and its codes.

    Attributes
    ----------
    name : str
        The name of its code list, for cancers.
    kind : {"cancer", "other tumour", "vascular"}
        Cancers and other tumours are registered; only the first are among the 30 sites.
    icd10, icd9 : tuple of str
        Codes as UK Biobank writes them (no dot); a case has one of them.
    hazard : Hazard
    survival : float
        Share alive five years after diagnosis, were this the only cause of death; 1 where nobody dies of it.
    histology, behaviour : int
        ICD-O codes of the register (3 malignant, 2 in situ, 1 uncertain, 0 benign).
    """

    name: str
    kind: Kind
    icd10: tuple[str, ...]
    icd9: tuple[str, ...]
    hazard: Hazard
    survival: float = 1.0
    histology: int = 8140
    behaviour: int = 3


def _tumour(
    name: str,
    icd10: str,
    icd9: str,
    rates: tuple[float, float, float],
    survival: float,
    effects: Effects = NO_EFFECTS,
    hazard_ratio: float = 1.0,
    histology: int = 8140,
    behaviour: int = 3,
    kind: Kind = "cancer",
) -> Disease:
    hazard = Hazard(*rates, hazard_ratio=hazard_ratio, effects=effects)
    return Disease(name, kind, tuple(icd10.split()), tuple(icd9.split()), hazard, survival, histology, behaviour)


def _vascular(name: str, icd10: str, icd9: str, rates: tuple[float, float, float], effects: Effects) -> Disease:
    hazard = Hazard(*rates, curvature=CURVATURE_INCIDENCE, effects=effects)
    return Disease(name, "vascular", tuple(icd10.split()), tuple(icd9.split()), hazard)


HORMONAL = Effects(bmi=0.08, height=0.12, alcohol=0.10)
SMOKE_AND_DRINK = Effects(previous=0.3, current=1.1, alcohol=0.4, townsend=0.12)

# Rates: men, women (per 100,000 at age 60), slope. Hazard ratios per 5 nmol/L, corrected for regression dilution:
# Knuppel 2020 (colorectal, breast, prostate, thyroid); as printed: Qian 2020 (liver, lung, melanoma, ovary, kidney;
# head and neck for oral cavity, pharynx and larynx). Every other site is null.
CANCERS: tuple[Disease, ...] = (
    _tumour("oral", "C009 C019 C021 C049 C060", "1419 1449", (22, 11, 0.05), 0.60, SMOKE_AND_DRINK, 0.90, 8070),
    _tumour("pharynx", "C099 C109 C119 C139", "1460 1479", (16, 5, 0.04), 0.55, SMOKE_AND_DRINK, 0.90, 8070),
    _tumour("larynx", "C320 C329", "1619", (13, 2.5, 0.06), 0.65, SMOKE_AND_DRINK, 0.90, 8070),
    _tumour("oesophagus", "C153 C154 C155 C159", "1509", (24, 8, 0.08), 0.17, Effects(0.25, 0, 0.4, 0.8, 0.2, 0.06)),
    _tumour("stomach", "C160 C163 C169", "1519", (13, 5.5, 0.08), 0.22, Effects(0.1, 0, 0.2, 0.5, 0, 0.08)),
    _tumour("small_intestine", "C170 C172 C179", "1529", (4.5, 3.5, 0.07), 0.55, Effects(bmi=0.05), histology=8240),
    _tumour(
        "colorectal", "C180 C182 C184 C187 C189 C19 C20", "1539 1540 1541", (108, 70, 0.075), 0.60,
        Effects(0.08, 0.10, 0.10, 0.15, 0.12, 0.0, 0.15), 1.08,
    ),
    _tumour("anus", "C210 C211", "1542 1543", (2.5, 4, 0.05), 0.60, Effects(current=0.6, townsend=0.1), histology=8070),
    _tumour("liver", "C220 C221", "1550", (14, 6.5, 0.07), 0.13, Effects(0.2, 0, 0.2, 0.6, 0.3, 0.1, 0.6), 0.32, 8170),
    _tumour("biliary", "C23 C240 C241", "1560 1561", (4, 5, 0.08), 0.20, Effects(bmi=0.2, diabetes=0.2)),
    _tumour("pancreas", "C250 C259", "1579", (17, 13, 0.085), 0.08, Effects(0.08, 0.05, 0.1, 0.6, 0, 0, 0.4)),
    _tumour("lung", "C341 C343 C349", "1629", (46, 38, 0.09), 0.20, Effects(-0.1, 0, 1.5, 2.7, 0, 0.15), 0.91),
    _tumour("mesothelioma", "C450 C459", "1639", (8, 1.5, 0.11), 0.07, Effects(townsend=0.05), histology=9050),
    _tumour("melanoma", "C433 C435 C437", "1729", (45, 42, 0.04), 0.92, Effects(height=0.2, townsend=-0.1), 1.08, 8720),
    _tumour("soft_tissue", "C492 C495 C499", "1719", (7, 5.5, 0.05), 0.55, Effects(bmi=0.05), histology=8890),
    _tumour("breast", "C502 C504 C508 C509", "1749", (0, 310, 0.03), 0.90, HORMONAL, 1.11, 8500),
    _tumour("cervix", "C530 C539", "1809", (0, 11, 0.01), 0.65, Effects(current=0.4, townsend=0.12), histology=8070),
    _tumour("endometrium", "C541 C549", "1820", (0, 75, 0.04), 0.80, Effects(0.45, 0.05, -0.1, -0.2), histology=8380),
    _tumour("ovary", "C56", "1830", (0, 33, 0.045), 0.45, Effects(0.05, 0.08), 0.86, 8441),
    _tumour("vulva_vagina", "C519 C52", "1844", (0, 7, 0.05), 0.65, Effects(0.1, 0, 0, 0.4), histology=8070),
    _tumour("prostate", "C61", "185", (330, 0, 0.085), 0.92, Effects(-0.03, 0.05, 0, -0.1, 0, -0.05, -0.2), 1.08),
    _tumour("testis", "C620 C629", "1869", (3, 0, -0.04), 0.96, Effects(height=0.15), histology=9061),
    _tumour("kidney", "C64 C65", "1890", (42, 22, 0.065), 0.65, Effects(0.25, 0.1, 0.15, 0.4), 1.10, 8310),
    _tumour("bladder", "C672 C679", "1889", (40, 12, 0.09), 0.60, Effects(0, 0, 0.6, 1.1), histology=8120),
    _tumour("brain", "C711 C712 C719", "1919", (12, 8, 0.045), 0.12, Effects(height=0.15), histology=9440),
    _tumour("thyroid", "C73", "193", (4.5, 11, 0.01), 0.90, Effects(0.1, 0.15), 1.18, 8260),
    _tumour("hodgkin", "C811 C819", "2019", (3.5, 2.5, 0.015), 0.80, Effects(current=0.2), histology=9650),
    _tumour("non_hodgkin", "C829 C833 C851 C859", "2028", (38, 28, 0.06), 0.68, Effects(0.05, 0.1), histology=9680),
    _tumour("myeloma", "C900", "2030", (19, 13, 0.08), 0.52, Effects(bmi=0.1), histology=9732),
    _tumour("leukaemia", "C911 C920 C921", "2041 2050", (32, 18, 0.07), 0.55, Effects(0.06, 0.08), histology=9823),
)  # fmt: skip

OTHER_TUMOURS: tuple[Disease, ...] = (
    _tumour("skin_non_melanoma", "C443 C444 C449", "1733", (300, 240, 0.075), 1.0, histology=8090, kind="other tumour"),
    _tumour("unknown_primary", "C80", "1991", (8, 7, 0.09), 0.10, Effects(current=0.5), kind="other tumour"),
    _tumour("eye", "C693", "1906", (2, 1.5, 0.04), 0.75, histology=8720, kind="other tumour"),
    _tumour("breast_in_situ", "D051 D059", "2330", (0, 45, 0.01), 1.0, NO_EFFECTS, 1.0, 8500, 2, "other tumour"),
    _tumour("cervix_in_situ", "D069", "2331", (0, 35, -0.06), 1.0, NO_EFFECTS, 1.0, 8077, 2, "other tumour"),
    _tumour("bladder_uncertain", "D414", "2367", (9, 3, 0.08), 1.0, NO_EFFECTS, 1.0, 8130, 1, "other tumour"),
    _tumour("meningioma", "D320 D329", "2252", (4, 9, 0.05), 1.0, NO_EFFECTS, 1.0, 9530, 0, "other tumour"),
)

CORONARY = Effects(0.15, -0.10, 0.15, 0.65, -0.05, 0.10, 0.50, 0.22, 0.28)
STROKE = Effects(0.08, -0.05, 0.10, 0.60, 0.02, 0.10, 0.40, 0.35, 0.05)

VASCULAR: tuple[Disease, ...] = (
    _vascular("myocardial_infarction", "I210 I211 I214 I219", "4109", (280, 95, 0.065), CORONARY),
    _vascular("other_ischaemic_heart_disease", "I200 I209 I251 I259", "4139", (480, 220, 0.07), CORONARY),
    _vascular(
        "heart_failure", "I500 I501 I509", "4280", (130, 70, 0.11), Effects(0.35, 0, 0.2, 0.5, 0, 0.12, 0.6, 0.15)
    ),
    _vascular("ischaemic_stroke", "I633 I635 I639", "4349", (76, 45, 0.095), STROKE),
    _vascular("unspecified_stroke", "I64", "4369", (20, 14, 0.10), STROKE),
    _vascular("subarachnoid_haemorrhage", "I602 I609", "4309", (9, 13, 0.03), STROKE),
    _vascular("intracerebral_haemorrhage", "I610 I619", "4319", (22, 15, 0.08), STROKE),
)

DISEASES: tuple[Disease, ...] = CANCERS + OTHER_TUMOURS + VASCULAR

# Healthy volunteers: about half the national rates, as in UK Biobank (Fry 2017, Am J Epidemiol 186:1026).
CARDIOVASCULAR_DEATH = Hazard(
    85, 30, 0.10, curvature=CURVATURE_MORTALITY, effects=Effects(0.2, 0, 0.2, 0.9, 0, 0.15, 0.6, 0.2, 0.1)
)
OTHER_DEATH = Hazard(
    110, 75, 0.11, curvature=CURVATURE_MORTALITY, effects=Effects(0.05, -0.05, 0.25, 0.9, 0.05, 0.2, 0.5)
)
