"""riskkit: from a cohort's raw files to a report a reader can trust.

The public names below are a contract; everything is imported when first used, so that `import riskkit` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "riskkit.cohort.build": ("load_cohort",),
    "riskkit.simulate": ("simulate_ukb",),
    "riskkit.design.draws": ("sample_case_cohort", "sample_controls"),
    "riskkit.design.landmark": ("landmark",),
    "riskkit.design.lexis": ("split",),
    "riskkit.design.sampling": ("CaseCohort", "NestedCaseControl"),
    "riskkit.design.splines": ("knots", "rcs"),
    "riskkit.design.survey": ("SurveyDesign",),
    "riskkit.design.visits": ("over_visits",),
    "riskkit.evidence.dose": ("dose_fit", "dose_heterogeneity", "dose_prediction", "dose_response"),
    "riskkit.evidence.meta": ("heterogeneity", "meta", "prediction_interval"),
    "riskkit.evidence.omission": ("meta_cumulative", "meta_influence", "meta_leave_one_out"),
    "riskkit.evidence.own": ("own_levels",),
    "riskkit.evidence.small_studies": ("egger", "funnel_contours", "meta_bias", "trim_and_fill"),
    "riskkit.evidence.subgroups": ("meta_subgroups",),
    "riskkit.fit.baseline": ("baseline",),
    "riskkit.fit.clogit": ("clogit",),
    "riskkit.fit.concordance": ("concordance",),
    "riskkit.fit.cox": ("cox",),
    "riskkit.fit.finegray": ("finegray",),
    "riskkit.fit.inclusion": ("ncc_weights",),
    "riskkit.fit.federated.cox": ("cox_federated",),
    "riskkit.fit.federated.site": ("cox_site",),
    "riskkit.fit.linear": ("linear",),
    "riskkit.fit.logistic": ("logistic",),
    "riskkit.fit.outcomes": ("cox_many",),
    "riskkit.fit.poisson": ("poisson",),
    "riskkit.fit.pooled": ("pool",),
    "riskkit.fit.residuals": ("residuals",),
    "riskkit.fit.screen.screen": ("screen",),
    "riskkit.fit.treatment": ("treatment_weights",),
    "riskkit.fit.validation": ("c_statistic", "calibration"),
    "riskkit.imputation.impute": ("impute",),
    "riskkit.infer.absolute": ("absolute_risk",),
    "riskkit.infer.affordable": ("affordable",),
    "riskkit.infer.anova": ("anova",),
    "riskkit.infer.bootstrap": ("bootstrap",),
    "riskkit.infer.calibration": ("calibrated",),
    "riskkit.infer.centiles": ("centiles",),
    "riskkit.infer.confounding": ("bias_factor", "evalue", "tipping_point"),
    "riskkit.infer.contrast": ("contrast",),
    "riskkit.infer.curve": ("curve", "curve_difference", "slope"),
    "riskkit.infer.dilution": ("dilution", "dilution_in"),
    "riskkit.infer.ends": ("end_evalues", "ends", "ends_by_subgroup"),
    "riskkit.infer.floating": ("floating",),
    "riskkit.infer.influence": ("influence",),
    "riskkit.infer.interaction": ("additive_interaction",),
    "riskkit.infer.leaveout": ("leave_one_out",),
    "riskkit.infer.incidence": ("incidence",),
    "riskkit.infer.multiplicity": ("adjust",),
    "riskkit.infer.nadir": ("nadir",),
    "riskkit.infer.ph": ("ph_test",),
    "riskkit.infer.rates": ("expected", "smr"),
    "riskkit.infer.schoenfeld": ("schoenfeld_smooth",),
    "riskkit.infer.select": ("select",),
    "riskkit.infer.select_fp": ("select_fp",),
    "riskkit.infer.shift": ("Shift",),
    "riskkit.infer.simex": ("simex",),
    "riskkit.infer.standardised_rates": ("standardised_rates",),
    "riskkit.infer.standardise": ("standardise",),
    "riskkit.infer.trend": ("trend",),
    "riskkit.infer.twolines": ("two_lines",),
    "riskkit.infer.ushape": ("fieller", "ushape"),
    "riskkit.infer.usual": ("correct", "group_means", "relocate", "usual_curve"),
    "riskkit.infer.verdict": ("ShapeVerdict",),
    "riskkit.infer.worm": ("worm",),
    "riskkit.plotting.plot": ("plot",),
    "riskkit.runner.run": ("run",),
    "riskkit.tables.models": ("table",),
    "riskkit.tables.table_one": ("table_one",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("riskkit")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'riskkit' has no attribute '{name}'")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
