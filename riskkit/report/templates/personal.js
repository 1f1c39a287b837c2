/* One's own level: where it lies among others of the same age and sex, and the risk of typical people with it. */
"use strict";
riskkit.personal = (() => {
  const { count, measure } = riskkit;

  /** The share of a normal distribution below z (Abramowitz and Stegun 7.1.26, to 1e-7). */
  function below(z) {
    const t = 1 / (1 + (0.3275911 * Math.abs(z)) / Math.SQRT2);
    const terms = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];
    const tail = t * terms.reduceRight((sum, term) => sum * t + term, 0) * Math.exp(-(z * z) / 2);
    return z > 0 ? 1 - tail / 2 : tail / 2;
  }

  const ordinal = (n) => {
    const teen = n % 100 > 10 && n % 100 < 14;
    return `${n}${teen ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th")}`;
  };

  /** Which percentile a level is, in words; `at` are known ones: their number, its normal quantile and the level. */
  function percentile(at, x) {
    const next = at.findIndex(([, , level]) => x <= level);
    if (next === -1) return `above the ${ordinal(at.at(-1)[0])} percentile`;
    if (next === 0 && x < at[0][2]) return `below the ${ordinal(at[0][0])} percentile`;
    const [left, right] = [at[Math.max(next - 1, 0)], at[next]];
    const share = right[2] > left[2] ? (x - left[2]) / (right[2] - left[2]) : 1;
    const z = left[1] + share * (right[1] - left[1]);
    return `at about the ${ordinal(Math.round(100 * below(z)))} percentile`;
  }

  /** The points of the stretch between two knots that x is in; where digits are few, its two neighbours. */
  function stretch({ x: levels }, knots, x, exact) {
    if (!exact) {
      const at = Math.min(Math.max(levels.findLastIndex((level) => level <= x), 0), levels.length - 2);
      return [at, at + 1];
    }
    const inside = knots.filter((knot) => levels[0] < knot && knot < levels.at(-1));
    const points = (levels.length - 1) / (inside.length + 1);
    const first = inside.filter((knot) => knot < x).length * points;
    return d3.range(first, first + points + 1);
  }

  /** A polynomial through Chebyshev's points of Lobatto (two points: a line) at x, by the barycentric formula. */
  function through(levels, values, x) {
    const hit = levels.indexOf(x);
    if (hit !== -1) return values[hit];
    const last = levels.length - 1;
    const weights = levels.map((level, i) => ((i % 2 ? -1 : 1) * (i === 0 || i === last ? 0.5 : 1)) / (x - level));
    return d3.sum(weights, (weight, i) => weight * values[i]) / d3.sum(weights);
  }

  const BACK = { "log-log": (g) => Math.exp(-Math.exp(g)), logit: (g) => 1 / (1 + Math.exp(-g)) };

  /** The risk at a level, with its limits; levels beyond those known are read at the last one. */
  function riskAt(risk, set, knots, x, critical) {
    const inside = Math.min(Math.max(x, set.x[0]), set.x.at(-1));
    const points = stretch(set, knots, inside, risk.exact);
    const at = (values) => through(points.map((i) => set.x[i]), points.map((i) => values[i]), inside);
    const [g, se] = [at(set.g), Math.sqrt(Math.max(at(set.v), 0))];
    const [estimate, ...ends] = [0, -critical, critical].map((z) => BACK[risk.scale](g + z * se));
    return { x: inside, estimate, low: Math.min(...ends), high: Math.max(...ends) };
  }

  /** People of a thousand, printed as the report prints them. */
  function perThousand(share) {
    const people = 1000 * share;
    if (people < 0.01) return people > 0 ? "<0.01" : "0";
    return people.toFixed(people >= 9.95 ? 0 : people >= 0.995 ? 1 : 2);
  }

  const ofThousand = (p, label) =>
    `${perThousand(p.estimate)} (${label} CI ${perThousand(p.low)} to ${perThousand(p.high)})`;

  /** Where a level lies among others: of the same sex and age where that is known, else of all. */
  function among(exposure, curve, percents, sex, age, x) {
    const band = exposure.bands.find((each) => each.sex === sex && each.from <= age && age <= each.to);
    if (band) {
      const of = band.n === null ? "people" : `${count(band.n)} people`;
      return `${percentile(band.at, x)} of the ${of} studied who are ${sex.toLowerCase()} and aged ${band.from} to ${band.to}`;
    }
    const known = percents.map(({ percent, z }, i) => [percent, z, curve.percentiles[i]]).filter(([, , at]) => at !== null);
    return `${percentile(known, x)} of all people of this model`;
  }

  return { among, measure, ofThousand, ordinal, percentile, riskAt };
})();
