/* The explorer of a report: its controls, and what they choose as a figure, a sentence, a table and a file. */
"use strict";
(() => {
  const { capital, contrast, count, evenly, figure, interval, limits, lowest, measure, ratio } = riskkit;
  const data = JSON.parse(document.getElementById("explorer-data").textContent);
  const part = (name) => document.getElementById(`explorer-${name}`);
  const CHOICES = ["exposure", "outcome", "model", "time_scale"];
  const POINTS = 200;

  // ---- what is shown: the state, which the address holds ----

  const find = (key) => data.curves.find((curve) => CHOICES.every((name) => curve[name] === key[name]));

  /** A state in which every choice is one that there is, from text or from another state. */
  function settled(wanted) {
    const known = (name, otherwise) => (Object.hasOwn(data[name], wanted[name]) ? wanted[name] : otherwise);
    const state = {
      exposure: known("exposure", Object.keys(data.exposure)[0]),
      outcome: known("outcome", Object.keys(data.outcome)[0]),
      model: known("model", data.main.model),
      time_scale: known("time_scale", data.main.time_scale),
      reference: Number.parseFloat(wanted.reference),
      level: data.levels.some((each) => each.level === Number(wanted.level)) ? Number(wanted.level) : data.main.level,
      compare: wanted.compare ?? "",
    };
    const usual = data.exposure[state.exposure].reference;
    const curve = find(state);
    if (!Number.isFinite(state.reference) || !curve) state.reference = usual;
    else {
      const [low, high] = limits(curve);
      state.reference = Math.min(Math.max(state.reference, Math.min(low, usual)), Math.max(high, usual));
    }
    if (!compared(state)) state.compare = "";
    return state;
  }

  /** The state of the second curve, which differs from the first in one choice; nothing where there is none. */
  function compared(state) {
    const [name, value] = state.compare.split(":");
    const other = { ...state, [name]: value };
    return CHOICES.slice(1).includes(name) && value !== state[name] && find(other) ? other : null;
  }

  function fromAddress() {
    const [place, query] = window.location.hash.slice(1).split("?");
    return place === "explorer" && query ? Object.fromEntries(new URLSearchParams(query)) : null;
  }

  const address = (state) => `#explorer?${new URLSearchParams(state)}`;

  /** What is drawn of one curve. */
  function drawn(key) {
    const curve = { ...find(key), knots: data.exposure[key.exposure].knots };
    const chosen = data.levels.findIndex((each) => each.level === key.level);
    const { label } = data.levels[chosen];
    const at = (x) => contrast(curve, x, key.reference, curve.critical[chosen]);
    const x = [...evenly(...limits(curve), POINTS - 1), key.reference];
    const points = d3.sort(new Set(x)).map(at);
    const [differs] = key.compare.split(":");
    const title = differs && data[differs][key[differs]].label; // what tells one of two curves from the other
    return { key, curve, label, title, at, points, nadir: at(lowest(curve)), unit: data.exposure[key.exposure].unit };
  }

  // ---- sentences ----

  function told({ key, curve, label, at, nadir, unit }) {
    const { low, high, interior, searched } = curve.nadir;
    const [from, to] = searched;
    const ends = `${measure(low)} to ${measure(high, unit)}`;
    const usual = data.levels.find((each) => each.level === data.main.level).label;
    const open = [low <= from, high >= to];
    let range = `${usual} CI ${ends}`;
    if (open[0] && open[1]) range = `the data do not say where: ${ends}, all of the range examined, is possible`;
    else if (open[0] || open[1])
      range += `, where the ${open[0] ? "lower" : "upper"} end is that of the range examined, not a bound`;
    const end = nadir.x === from ? "lower" : nadir.x === to ? "upper" : "";
    const where = measure(nadir.x, unit) + (end && `, the ${end} end of the range examined`);
    const level = capital(data.measure.level);
    const known = data.percentiles.filter((_, i) => curve.percentiles[i] !== null);
    const read = [known.find((percent) => percent >= 5), known.findLast((percent) => percent <= 95)].map((percent) => {
      const x = curve.percentiles[data.percentiles.indexOf(percent)];
      return `${interval(at(x), label)} at the ${percent}th percentile, ${measure(x, unit)}`;
    });
    return (
      `${data.exposure[key.exposure].label} and ${data.outcome[key.outcome].name}: relative to ` +
      `${measure(key.reference, unit)}, the ${data.measure.ratio} is ${read.join(", and ")}. ${level} is lowest at ` +
      `${where} (${range}; probability ${interior.toFixed(2)} that the lowest point is inside the range). ` +
      (curve.tests && `Tests: ${curve.tests}. `) +
      `Model: ${data.model[key.model].name}` +
      (data.measure.timed ? `; time scale: ${data.time_scale[key.time_scale].name}.` : ".")
    );
  }

  function people({ curve }) {
    const years = curve.person_years === null ? "" : `, ${count(curve.person_years)} person-years`;
    const missing = curve.n_missing === null ? "" : `; ${count(curve.n_missing)} left out with a missing value`;
    return `${count(curve.events)} ${data.measure.event}s in ${count(curve.n)} people${years}${missing}`;
  }

  function element(tag, attributes, ...children) {
    const made = Object.assign(document.createElement(tag), attributes);
    made.append(...children);
    return made;
  }

  /** A number to read, with all its digits for machines. */
  const exact = (value, text) => element("data", { value }, text);

  function table(shown) {
    const [{ curve, nadir, key, label, unit }] = shown;
    const rows = curve.percentiles
      .map((x, i) => [x, `${data.percentiles[i]}th percentile`.replace("1th", "1st")])
      .filter(([x]) => x !== null);
    rows.push([nadir.x, "Lowest point"], [key.reference, "Reference"]);
    const measured = `${capital(data.measure.ratio)} (${label} CI)`;
    const number = { className: "number" };
    const heads = [unit ? `Level (${unit})` : "Level", ...shown.map(({ title }) => title || measured)];
    const titles = heads.map((text) => element("th", { scope: "col", ...number }, text));
    const body = d3.sort(rows, ([x]) => x).map(([x, name]) => {
      const cells = shown.map(({ at }) => {
        const p = at(x);
        const limit = (end) => exact(p[end], ratio(p[end]));
        return element("td", number, exact(p.ratio, ratio(p.ratio)), " (", limit("low"), "–", limit("high"), ")");
      });
      const level = element("td", number, exact(x, measure(x)));
      return element("tr", {}, element("th", { scope: "row" }, name), level, ...cells);
    });
    part("caption").textContent =
      `${measured} relative to ${measure(key.reference, unit)}, by level of ${data.exposure[key.exposure].name}`;
    const head = element("tr", {}, element("td"), ...titles);
    part("table").replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
  }

  function csv(shown) {
    const columns = ["x", "estimate", "se", "ratio", "low", "high"];
    const keys = [...CHOICES, "level", "reference"];
    const lines = shown.flatMap(({ key, points }) =>
      points.map((p) => [...keys.map((name) => key[name]), ...columns.map((name) => p[name])].join(",")),
    );
    return [[...keys, ...columns].join(","), ...lines, ""].join("\n");
  }

  // ---- the page ----

  let state;
  let shown = [];
  let telling;

  function fill(select, options, chosen) {
    select.replaceChildren(...options);
    select.value = chosen;
    select.closest("label").hidden = select.querySelectorAll("option").length < 2;
  }

  function controls() {
    const options = (name) => Object.entries(data[name]).map(([value, { label }]) => new Option(label, value));
    for (const name of CHOICES) fill(part(name), options(name), state[name]);
    fill(part("level"), data.levels.map(({ level, label }) => new Option(label, level)), state.level);
    const groups = CHOICES.slice(1).map((name) => {
      const others = options(name);
      for (const option of others) option.value = `${name}:${option.value}`;
      const there = others.filter(({ value }) => compared({ ...state, compare: value }));
      return element("optgroup", { label: `Another ${name.replace("_", " ")}`, hidden: !there.length }, ...there);
    });
    fill(part("compare"), [new Option("nothing", ""), ...groups], state.compare);
    const { unit } = data.exposure[state.exposure];
    part("reference-label").textContent = unit ? `Reference (${unit})` : "Reference";
    part("reference").value = +state.reference.toPrecision(6);
    if (!shown.length) return;
    const [low, high] = d3.extent(shown[0].points, (p) => p.x);
    const step = d3.tickStep(low, high, 500);
    const slider = part("slider");
    Object.assign(slider, { min: (Math.ceil(low / step) * step).toPrecision(9), max: high, step, value: state.reference });
    slider.setAttribute("aria-valuetext", measure(state.reference, unit));
  }

  function draw() {
    const chart = figure(shown, data, part("chart").clientWidth);
    chart.setAttribute("role", "img");
    chart.setAttribute("aria-label", shown.map(told).join(" "));
    part("chart").replaceChildren(chart);
  }

  function show(wanted) {
    state = settled(wanted);
    const fitted = Boolean(find(state));
    shown = fitted ? [state, compared(state)].filter(Boolean).map(drawn) : [];
    for (const name of ["chart", "people", "result"]) part(name).hidden = !fitted;
    controls();
    const say = () => {
      part("summary").textContent = fitted
        ? told(shown[0])
        : "This model was not fitted for this outcome; “Models not fitted” says why.";
    };
    clearTimeout(telling);
    if (part("summary").textContent) telling = setTimeout(say, 300); // once a moment, for those who hear it
    else say();
    if (!fitted) return;
    draw();
    part("people").replaceChildren(
      ...shown.map((each) => element("li", {}, [each.title, people(each)].filter(Boolean).join(": "))),
    );
    table(shown);
    const name = [data.mark, data.name, "explorer"].filter(Boolean).join("-").replace(/\W+/g, "-").toLowerCase();
    Object.assign(part("csv"), {
      href: `data:text/csv;charset=utf-8,${encodeURIComponent(csv(shown))}`,
      download: `${name}.csv`,
    });
    part("link").href = address(state);
  }

  function choose(change) {
    show({ ...state, ...change });
    window.history.replaceState(null, "", address(state));
  }

  for (const name of [...CHOICES.slice(1), "level", "compare", "reference"])
    part(name).addEventListener("change", ({ target }) => choose({ [name]: target.value }));
  part("exposure").addEventListener("change", ({ target }) => choose({ exposure: target.value, reference: "" }));
  part("slider").addEventListener("input", ({ target }) => choose({ reference: target.value }));
  part("usual").addEventListener("click", () => choose({ reference: "" }));
  part("lowest").addEventListener("click", () => choose({ reference: shown[0].nadir.x }));
  window.addEventListener("hashchange", () => {
    const asked = fromAddress();
    if (asked) show(asked);
  });
  part("view").hidden = false;
  const wanted = fromAddress();
  show(wanted ?? {});
  new ResizeObserver(() => {
    if (shown.length && part("chart").firstElementChild.width.baseVal.value !== part("chart").clientWidth) draw();
  }).observe(part("chart"));
  if (wanted) part("view").closest("section").scrollIntoView();
})();
