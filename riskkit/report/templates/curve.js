/* Curves from their coefficients: the numbers of riskkit's rcs, curve and nadir, printed as the report prints them. */
"use strict";
const riskkit = (() => {
  const SEARCHED = 201;

  /** Restricted cubic spline basis of one value: the linear term, then the others divided by (last - first knot)^2. */
  function rcs(x, knots) {
    const last = knots.length - 1;
    const cube = (knot) => Math.max(x - knot, 0) ** 3;
    const width = knots[last] - knots[last - 1];
    const scale = (knots[last] - knots[0]) ** 2;
    const bent = knots.slice(0, -2).map((knot) => {
      const beyond = (knots[last - 1] - knot) * cube(knots[last]) - (knots[last] - knot) * cube(knots[last - 1]);
      return (cube(knot) + beyond / width) / scale;
    });
    return [x, ...bent];
  }

  const sum = (values) => values.reduce((total, value) => total + value, 0);

  /** Log ratio of one value to another, with its standard error and limits. */
  function contrast(curve, x, reference, critical) {
    const zero = rcs(reference, curve.knots);
    const d = rcs(x, curve.knots).map((value, i) => value - zero[i]);
    const covariance = (i, j) => curve.covariance[(Math.max(i, j) * (Math.max(i, j) + 1)) / 2 + Math.min(i, j)];
    const estimate = sum(d.map((value, i) => value * curve.coefficients[i]));
    const se = Math.sqrt(Math.max(sum(d.map((a, i) => a * sum(d.map((b, j) => b * covariance(i, j))))), 0));
    const [ratio, low, high] = [0, -critical, critical].map((z) => Math.exp(estimate + z * se));
    return { x, estimate, se, ratio, low, high };
  }

  function evenly(low, high, n) {
    const step = (high - low) / (n - 1);
    return Array.from({ length: n }, (_, i) => (i < n - 1 ? low + i * step : high));
  }

  const limits = (curve) => d3.extent(curve.percentiles.filter((x) => x !== null)); // those of few people are withheld

  /** Where the curve is lowest between the limits of the search: on a grid, then on a finer one between the neighbours. */
  function lowest(curve) {
    const height = (x) => sum(rcs(x, curve.knots).map((value, i) => value * curve.coefficients[i]));
    const grid = evenly(...curve.nadir.searched, SEARCHED);
    const i = d3.leastIndex(grid, (a, b) => height(a) - height(b));
    if (i === 0 || i === SEARCHED - 1) return grid[i];
    return d3.least(evenly(grid[i - 1], grid[i + 1], SEARCHED), height);
  }

  // ---- numbers as they are printed ----

  const grouped = (value, places) =>
    value.toLocaleString("en-GB", { minimumFractionDigits: places, maximumFractionDigits: places }).replace("-", "−");
  const count = (value) => (value === null ? "–" : grouped(value, 0));

  function measure(value, unit) {
    const places = value ? Math.max(2 - Math.floor(Math.log10(Math.abs(value))), 0) : 0;
    const text = grouped(value, Number.isInteger(value) ? 0 : places);
    return unit ? text + (unit === "%" ? "%" : `\u00a0${unit}`) : text;
  }

  function ratio(value) {
    if (value < 0.005) return "<0.01";
    return value < 100 ? value.toFixed(2) : value > 1000 ? ">1,000" : value.toFixed(0);
  }

  const interval = (p, label) => `${ratio(p.ratio)} (${label} CI ${ratio(p.low)} to ${ratio(p.high)})`;
  const capital = (text) => text[0].toUpperCase() + text.slice(1);

  return { capital, contrast, count, evenly, interval, limits, lowest, measure, ratio };
})();
