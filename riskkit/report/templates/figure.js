/* The figure of the explorer, drawn by Observable Plot: ratio by level, as the figures of the report show it. */
"use strict";
riskkit.figure = (() => {
  const { capital, interval, limits, measure } = riskkit;
  const CIRCLE = { x: "x", y: "ratio", r: 5, fill: "var(--ground)", stroke: "var(--ink)", strokeWidth: 1.5 };
  const FOOT = 0.17; // share of the height that is left for the distribution of the exposure

  /** Limits of the ratio axis: the curves and, as far as they stay readable, their bands. */
  function ratioLimits(points, stretch) {
    const least = Math.min(1, d3.min(points, (p) => p.ratio));
    const most = Math.max(1, d3.max(points, (p) => p.ratio));
    const bottom = Math.max(Math.min(1, d3.min(points, (p) => p.low)), least / stretch);
    const top = Math.min(Math.max(1, d3.max(points, (p) => p.high)), most * stretch);
    return [Math.min(bottom / 1.05, 0.9), Math.max(top * 1.05, 1.1)];
  }

  /** Ticks of the ratio axis: the finest of the usual series that is not crowded. */
  function ratioTicks(low, high, ladders) {
    for (const ladder of ladders) {
      const ticks = ladder.filter((tick) => low <= tick && tick <= high);
      const covered = ladder[0] <= low * 1.02 && high / 1.02 <= ladder.at(-1);
      if (covered && ticks.length >= 2 && ticks.length <= 6) return ticks;
    }
    return [low, 1, high];
  }

  /** The lowest point and its interval: an arrow at an end that is open, and nothing where both are. */
  function lowestPoint({ curve, nadir }, height) {
    const { low, high, searched } = curve.nadir;
    const [from, to] = searched;
    if (low === null) return [Plot.dot([nadir], CIRCLE)];
    const bounded = [low > from, high < to];
    if (!bounded[0] && !bounded[1]) return [];
    return [
      Plot.link([0], {
        x1: low,
        x2: high,
        y1: height,
        y2: height,
        stroke: "var(--ink)",
        markerStart: bounded[0] ? "tick" : "arrow-reverse",
        markerEnd: bounded[1] ? "tick" : "arrow",
      }),
      Plot.dot([nadir], CIRCLE),
    ];
  }

  /** The reader's own level on each curve. */
  function ownLevel(shown) {
    if (shown[0].mine === null) return [];
    const points = shown.map(({ at, mine }) => at(mine));
    return [
      Plot.ruleX([shown[0].mine], { stroke: "var(--ink)", strokeDasharray: "1 3" }),
      Plot.dot(points, { x: "x", y: "ratio", symbol: "star", r: 7, fill: "var(--ink)" }),
    ];
  }

  /** One or two curves with their bands, over the distribution of the exposure. */
  function figure(shown, data, width) {
    const { key, label, unit } = shown[0];
    const exposure = data.exposure[key.exposure];
    const points = shown.flatMap((each) => each.points.map((p) => ({ ...p, of: each.title })));
    const [bottom, top] = ratioLimits(points, data.stretch);
    const foot = bottom * (top / bottom) ** (-FOOT / (1 - FOOT));
    const above = (share) => foot * (bottom / foot) ** share;
    const tallest = d3.max(exposure.histogram, (bin) => bin.n);
    const bars = exposure.histogram.map((bin) => ({ ...bin, top: above(0.8 * (bin.n / tallest)) }));
    const looks = [{ stroke: "var(--link)" }, { stroke: "var(--other)", strokeDasharray: "6 3" }];
    const curves = shown.flatMap((each, i) => [
      Plot.areaY(each.points, { x: "x", y1: "low", y2: "high", fill: looks[i].stroke, fillOpacity: 0.17, clip: true }),
      Plot.lineY(each.points, { x: "x", y: "ratio", ...looks[i], strokeWidth: 2.2, clip: true }),
    ]);
    const tip = (p) => [p.of, measure(p.x, unit), interval(p, label)].filter(Boolean).join("\n");
    const mark = { text: (text) => text, frameAnchor: "middle", rotate: -15, fontSize: width / 12, fillOpacity: 0.2 };
    return Plot.plot({
      width,
      height: Math.min(430, Math.max(320, 0.55 * width)),
      marginLeft: 48,
      marginTop: 30,
      marginBottom: 46,
      style: { fontSize: "13px", background: "transparent" },
      x: {
        domain: d3.extent(points, (p) => p.x),
        ticks: width / 90,
        tickFormat: (value) => value.toLocaleString("en-GB"),
        label: exposure.axis,
        labelAnchor: "center",
        labelArrow: "none",
        labelOffset: 40,
      },
      y: {
        type: "log",
        domain: [foot, top],
        ticks: ratioTicks(bottom, top, data.ladders),
        tickFormat: (value) => String(+value.toPrecision(3)),
        label: `${capital(data.measure.ratio)} (${label} CI), log scale`,
        labelArrow: "none",
      },
      marks: [
        Plot.rect(bars, { x1: "left", x2: "right", y1: foot, y2: "top", fill: "var(--bars)", clip: true }),
        Plot.ruleY([1], { stroke: "var(--muted)", strokeDasharray: "2 3" }),
        Plot.ruleY([foot], { stroke: "var(--muted)" }),
        Plot.ruleX(exposure.knots, { y1: foot, y2: above(0.2), stroke: "var(--ink)", clip: true }),
        ...curves,
        ...lowestPoint(shown[0], bottom),
        ...ownLevel(shown),
        Plot.dot([1], { x: key.reference, y: 1, symbol: "diamond", r: 6, fill: "var(--ink)" }),
        Plot.text(data.mark ? [data.mark] : [], mark),
        Plot.ruleX(points, Plot.pointerX({ x: "x", stroke: "var(--muted)" })),
        Plot.tip(points, Plot.pointerX({ x: "x", y: "ratio", title: tip })),
      ],
    });
  }

  return figure;
})();
