/* The explorer of a report: its controls, and what they choose as a figure, a sentence, a table and a file. */
"use strict";
(() => {
  const { capital, contrast, count, evenly, figure, interval, limits, lowest, measure, personal, ratio } = riskkit;
  const data = JSON.parse(document.getElementById("explorer-data").textContent);
  const part = (name) => document.getElementById(`explorer-${name}`);
  const CHOICES = ["exposure", "outcome", "model", "time_scale", "of"];
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
      of: known("of", ""),
      reference: Number.parseFloat(wanted.reference),
      level: data.levels.some((each) => each.level === Number(wanted.level)) ? Number(wanted.level) : data.main.level,
      compare: wanted.compare ?? "",
      mine: Number.parseFloat(wanted.mine),
    };
    if (!find(state)) state.of = ""; // groups have the main model on the main time scale only
    const usual = data.exposure[state.exposure].reference;
    const curve = find(state);
    const asked = state.reference;
    if (!Number.isFinite(state.reference) || !curve) state.reference = usual;
    else {
      const [low, high] = limits(curve);
      state.reference = Math.min(Math.max(state.reference, Math.min(low, usual)), Math.max(high, usual));
    }
    if (!Number.isFinite(state.mine)) state.mine = "";
    if (!compared(state)) state.compare = "";
    const [sexes, ages] = others(state);
    state.sex = sexes.includes(wanted.sex) ? wanted.sex : (sexes[0] ?? "");
    const age = Number.parseFloat(wanted.age);
    state.age = ages.includes(age) ? age : (nearest(ages, Number.isFinite(age) ? age : middle(ages)) ?? "");
    const moved = curve && Number.isFinite(asked) && asked !== state.reference;
    return [state, { reference: moved ? asked : null, age: Number.isFinite(age) && age !== state.age ? age : null }];
  }

  const nearest = (values, wanted) => d3.least(values, (value) => Math.abs(value - wanted));
  const middle = (values) => values[(values.length - 1) >> 1] ?? 0;

  /** The sexes and ages of which something is known: how levels lie, or risks; ages of risks first. */
  function others(state) {
    const { bands } = data.exposure[state.exposure];
    const sets = find(state)?.risk?.sets ?? [];
    const sexes = [...new Set([...sets, ...bands].map(({ sex }) => sex))].filter(Boolean);
    const ages = [...new Set([...sets.map(({ age }) => age), ...bands.map(({ from }) => from)])];
    return [sexes, d3.sort(ages.filter((age) => age !== null))];
  }

  /** The state of the second curve, which differs from the first in one choice; nothing where there is none. */
  function compared(state) {
    const [name, value] = [state.compare.split(":")[0], state.compare.slice(state.compare.indexOf(":") + 1)];
    const other = { ...state, [name]: value };
    return CHOICES.slice(1).includes(name) && value !== state[name] && find(other) ? other : null;
  }

  function fromAddress() {
    const [place, query] = window.location.hash.slice(1).split("?");
    return place === "explorer" && query ? Object.fromEntries(new URLSearchParams(query)) : null;
  }

  /** Where a view is: the reader's own level, sex and age only if a level was given. */
  function address({ mine, sex, age, of, ...state }) {
    const own = mine === "" ? {} : { mine, sex, age };
    return `#explorer?${new URLSearchParams({ ...state, ...(of && { of }), ...own })}`;
  }

  /** The risk of typical people of the sex and age chosen, by level; nothing where it is not known. */
  function riskOf({ risk, knots }, key, critical) {
    const set = risk?.sets.find(({ sex, age }) => (!sex || sex === key.sex) && (age === null || age === key.age));
    return set ? { ...risk, ...set, at: (x) => personal.riskAt(risk, set, knots, x, critical) } : null;
  }

  /** What is drawn of one curve. */
  function drawn(key) {
    const curve = { ...find(key), knots: data.exposure[key.exposure].knots };
    const chosen = data.levels.findIndex((each) => each.level === key.level);
    const { label } = data.levels[chosen];
    const at = (x) => contrast(curve, x, key.reference, curve.critical[chosen]);
    const [low, high] = limits(curve);
    const mine = key.mine === "" ? null : Math.min(Math.max(key.mine, low), high);
    const x = [...evenly(low, high, POINTS - 1), key.reference, ...(mine === null ? [] : [mine])];
    const points = d3.sort(new Set(x)).map(at);
    const critical = curve.critical[chosen];
    const risk = riskOf(curve, key, critical);
    const [differs] = key.compare.split(":");
    const title = differs && data[differs][key[differs]].label; // what tells one of two curves from the other
    const { unit } = data.exposure[key.exposure];
    return { key, curve, label, title, at, points, nadir: at(lowest(curve)), unit, mine, risk };
  }

  // ---- sentences ----

  /** Where the lowest point may be, and how probably it is inside the range; of groups this was not asked. */
  function lowestTold({ low, high, interior, searched }, unit) {
    const [from, to] = searched;
    if (low === null) return " (no interval was made for this curve)";
    const ends = `${measure(low)} to ${measure(high, unit)}`;
    const usual = data.levels.find((each) => each.level === data.main.level).label;
    const open = [low <= from, high >= to];
    let range = `${usual} CI ${ends}`;
    if (open[0] && open[1]) range = `the data do not say where: ${ends}, all of the range examined, is possible`;
    else if (open[0] || open[1])
      range += `, where the ${open[0] ? "lower" : "upper"} end is that of the range examined, not a bound`;
    return ` (${range}; probability ${interior.toFixed(2)} that the lowest point is inside the range)`;
  }

  function told({ key, curve, label, at, nadir, unit }) {
    const [from, to] = curve.nadir.searched;
    const end = nadir.x === from ? "lower" : nadir.x === to ? "upper" : "";
    const where = measure(nadir.x, unit) + (end && `, the ${end} end of the range examined`);
    const level = capital(data.measure.level);
    const percents = data.percentiles.map(({ percent }) => percent);
    const known = percents.filter((_, i) => curve.percentiles[i] !== null);
    const read = [known.find((percent) => percent >= 5), known.findLast((percent) => percent <= 95)].map((percent) => {
      const x = curve.percentiles[percents.indexOf(percent)];
      return `${interval(at(x), label)} at the ${percent}th percentile, ${measure(x, unit)}`;
    });
    return (
      `${data.exposure[key.exposure].label} and ${data.outcome[key.outcome].name}: relative to ` +
      `${measure(key.reference, unit)}, the ${data.measure.ratio} is ${read.join(", and ")}. ${level} is lowest at ` +
      `${where}${lowestTold(curve.nadir, unit)}. ` +
      (curve.tests && `Tests: ${curve.tests}. `) +
      `Model: ${data.model[key.model].name}` +
      (data.measure.timed ? `; time scale: ${data.time_scale[key.time_scale].name}` : "") +
      (key.of ? `; ${data.of[key.of].name}.` : ".")
    );
  }

  const toldOf = (each, i) => (i ? `Compared: ${told(each)}` : told(each));

  /** What is said of the reader's own level by one curve: the ratio, and the risk where there is one. */
  function ownTold(each) {
    const { key, curve, label, at, mine, unit, risk, title } = each;
    const outcome = data.outcome[key.outcome].name;
    const head = title ? `${title}: the` : "The";
    const ratioTold =
      `${head} ${data.measure.ratio} of ${outcome} at ${measure(mine, unit)}, relative to ` +
      `${measure(key.reference, unit)}, is ${interval(at(mine), label)}.`;
    if (!risk) return [ratioTold, curve.risk && noRisk(curve.risk)].filter(Boolean).join(" ");
    const [own, reference] = [mine, key.reference].map(risk.at);
    const who = [risk.sex && risk.sex.toLowerCase(), risk.age !== null && `aged ${risk.age}`].filter(Boolean).join(", ");
    const expected = data.measure.timed ? "are expected to have" : "have";
    return (
      `${ratioTold} Of 1,000 people${who && ` (${who})`} with ${measure(own.x, unit)}, ${personal.ofThousand(own, label)} ` +
      `${expected} the outcome “${outcome}” ${risk.within}; with ${measure(reference.x, unit)}, ` +
      `${personal.ofThousand(reference, label)}.`
    );
  }

  function noRisk({ sets }) {
    const ages = d3.sort(new Set(sets.map(({ age }) => age)));
    return ages[0] === null ? "" : `Risks are known from ${ages.join(", ").replace(/, ([^,]*)$/, " and $1")} years of age.`;
  }

  /** The answer to “my level is …”, in words; what to do where none was given. */
  function answered() {
    const [{ key, curve, mine, unit }] = shown;
    const risk = shown.find((each) => each.risk)?.risk; // a group or another model has none
    if (mine === null) return "Give a level to have it read from the curve, beside others of the same sex and age.";
    const exposure = data.exposure[key.exposure];
    const at = personal.among(exposure, curve, data.percentiles, key.sex, key.age, key.mine);
    const said = [`${capital(exposure.name)} of ${measure(key.mine, unit)} is ${at}.`];
    if (mine !== key.mine) {
      const [low, high] = limits(curve).map((x) => measure(x));
      said.push(`Too few people lie below ${low} or above ${high} for a curve: it is read at ${measure(mine, unit)}.`);
    }
    said.push(...shown.map(ownTold));
    if (risk) {
      const whose = [risk.sex && "sex", risk.age !== null && "age"].filter(Boolean).join(" and ");
      const told = [
        `${data.measure.timed ? "Risks" : "Prevalences"} are those of the main model`,
        risk.competing && `allowing for ${risk.competing} coming first`,
        `of people${whose && ` of that ${whose}`}${risk.others && ` who are typical otherwise (${risk.others})`}`,
      ];
      said.push(`${told.filter(Boolean).join(", ")}.`);
    }
    said.push("They are averages and associations: no forecast for one person, and not what changing the level would do.");
    return said.join(" ");
  }

  /** What was moved of what was asked for, since the data do not reach there. */
  function movedTold() {
    const { unit } = data.exposure[state.exposure];
    const told = [];
    if (moved.reference !== null)
      told.push(`A reference of ${measure(moved.reference, unit)} is beyond the curve: it is ${measure(state.reference, unit)} here.`);
    if (moved.age !== null) told.push(`Of age ${moved.age} nothing is known: age is ${state.age} here.`);
    return told;
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
      .map((x, i) => [x, `${personal.ordinal(data.percentiles[i].percent)} percentile`])
      .filter(([x]) => x !== null);
    rows.push([nadir.x, "Lowest point"], [key.reference, "Reference"]);
    if (shown[0].mine !== null) rows.push([shown[0].mine, "My level"]);
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
    const ofRisk = shown.some(({ risk }) => risk) ? ["sex", "age", "risk", "risk_low", "risk_high"] : [];
    const lines = shown.flatMap(({ key, points, risk }) =>
      points.map((p) => {
        const own = risk && risk.at(p.x);
        const risks = own ? [risk.sex, risk.age ?? "", own.estimate, own.low, own.high] : ofRisk.map(() => "");
        return [...keys.map((name) => key[name]), ...columns.map((name) => p[name]), ...risks].join(",");
      }),
    );
    return [[...keys, ...columns, ...ofRisk].join(","), ...lines, ""].join("\n");
  }

  // ---- the page ----

  let state;
  let moved = {};
  let shown = [];
  let telling;

  function fill(select, options, chosen) {
    select.replaceChildren(...options);
    select.value = chosen;
    select.closest("label").hidden = select.querySelectorAll("option").length < 2;
  }

  function controls() {
    const there = (name, value) => name !== "of" || find({ ...state, of: value });
    const options = (name) =>
      Object.entries(data[name])
        .filter(([value]) => there(name, value))
        .map(([value, { label }]) => new Option(label, value));
    for (const name of CHOICES) fill(part(name), options(name), state[name]);
    fill(part("level"), data.levels.map(({ level, label }) => new Option(label, level)), state.level);
    const groups = CHOICES.slice(1).map((name) => {
      const others = options(name);
      for (const option of others) option.value = `${name}:${option.value}`;
      const fitted = others.filter(({ value }) => compared({ ...state, compare: value }));
      const label = name === "of" ? "The same of" : `Another ${name.replace("_", " ")}`;
      return element("optgroup", { label, hidden: !fitted.length }, ...fitted);
    });
    fill(part("compare"), [new Option("nothing", ""), ...groups], state.compare);
    const [sexes, ages] = others(state);
    for (const [name, values] of [["sex", sexes], ["age", ages]])
      fill(part(name), values.map((value) => new Option(value, value)), state[name]);
    const { unit } = data.exposure[state.exposure];
    part("mine-label").textContent = `My level${unit ? ` (${unit})` : ""}`;
    part("mine").value = state.mine;
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
    [state, moved] = settled(wanted);
    const fitted = Boolean(find(state));
    shown = fitted ? [state, compared(state)].filter(Boolean).map(drawn) : [];
    for (const name of ["chart", "people", "own", "result"]) part(name).hidden = !fitted;
    controls();
    const say = () => {
      const absent = "This model was not fitted for this outcome; “Models not fitted” says why.";
      part("answer").textContent = fitted ? [...movedTold(), answered()].join(" ") : absent;
      part("summary").textContent = fitted ? shown.map(toldOf).join(" ") : absent;
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

  for (const name of [...CHOICES.slice(1), "level", "compare", "reference", "mine", "sex", "age"])
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
