"use strict";
// The interactive part: what is shown follows from one state, and each view draws itself from it. Texts
// enter as text only; every control is an ordinary one, so that keys and screen readers have all of it.
(() => {
  const host = document.querySelector(".explore");
  const packed = host?.querySelector("script");
  if (!packed) return;
  const without = host.querySelector(".without");
  if (!("DecompressionStream" in window)) {
    without.textContent = "This browser cannot unpack what stands here (it has no DecompressionStream). All other parts of the page stand without it.";
    return;
  }
  const {html, svg, brief, color, variable, scale, chart, clipped, trace, glyph, distance, GLYPHS} = exploreDraw;
  const D = exploreData;
  const FLOOR = 1e-16, BLOWN = 1e3, SHOWN = 12;
  let m, state, said, views = [], fields = 0;

  // --- controls ---

  const field = (parent, label, node) => {
    const wrap = html("div", {class: "field"}, parent);
    node.id = `explore-field-${fields += 1}`;
    html("label", {for: node.id}, wrap, label);
    wrap.append(node);
    return node;
  };
  const choose = (parent, label, options, get, act) => {
    const node = field(parent, label, html("select"));
    const refresh = () => {
      const list = typeof options === "function" ? options() : options;
      node.replaceChildren(...list.map(([value, text]) => html("option", {value}, null, text)));
      node.value = String(get());
      node.closest(".field").hidden = list.length < 2;
    };
    node.addEventListener("change", () => { act(node.value); changed(); });
    refresh();
    views.push(refresh);
    return node;
  };
  const tick = (parent, label, get, act) => {
    const wrap = html("label", {class: "tick"}, parent);
    const node = html("input", {type: "checkbox"}, wrap);
    html("span", {}, wrap, label);
    node.checked = get();
    node.addEventListener("change", () => { act(node.checked); changed(); });
    return node;
  };
  const press = (parent, text, act, attributes = {}) => {
    const node = html("button", {type: "button", ...attributes}, parent, text);
    node.addEventListener("click", act);
    return node;
  };
  const tell = text => { said.textContent = text; };
  const changed = () => views.forEach(view => view());
  const swatch = (look, parent) => {
    const node = html("span", {class: "mark", "aria-hidden": "true", style: `--day: ${look.day}; --night: ${look.night}`}, parent, GLYPHS[look.marker] ?? "●");
    const line = svg("svg", {width: 26, height: 8, "aria-hidden": "true", class: "mark", style: `--day: ${look.day}; --night: ${look.night}`}, parent);
    svg("path", {d: "M0 4h26", "stroke-dasharray": look.dash.map(v => 2 * v).join(" "), class: "dash"}, line);
    return node;
  };

  // --- words ---

  const name = o => m.optimizers[o].name;
  // What the last value of a problem is called; p < 0 is all of them.
  const gapOrLoss = p => p < 0 ? (["gap (loss − f*)", "loss", "gap or loss"][m.problems.every(q => q.minimum !== null) ? 0 : m.problems.every(q => q.minimum === null) ? 1 : 2]) : m.problems[p].minimum === null ? "loss" : "gap (loss − f*)";
  const metricName = (p, metric) => metric === "loss" ? gapOrLoss(p) : metric.replaceAll("_", " ");
  const settingText = run => D.hypers(m, run).map(([key, value]) => `${key} ${value === null ? "–" : brief(value, 4)}`).join(", ");
  const seedText = run => ({tune: "tuning seed", evaluate: "seed", picture: "usual start, seed"})[m.only || m.roles[m.columns.role[run]]] + ` ${m.columns.seed[run]}`;
  const stepText = value => Number.isNaN(value) ? "–" : isFinite(value) ? brief(value, 6) : "never";
  const runText = run => `${name(m.columns.optimizer[run])}, ${settingText(run)}, ${seedText(run)}`;
  const shown = () => m.optimizers.map((_, o) => o).filter(o => state.visible.has(o));
  const few = names => names.length <= 6 ? names.join(", ") : `${names.slice(0, 5).join(", ")} and ${names.length - 5} more`;
  const capital = text => text.charAt(0).toUpperCase() + text.slice(1);
  const count = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

  // --- which runs ---

  const WHICH = {
    tuned: ["chosen setting, every seed", run => D.isTuned(m, run)],
    band: ["chosen setting, median and quartiles", run => D.isTuned(m, run)],
    default: ["default setting, every seed", run => D.isDefault(m, run)],
    one: ["every setting, one run of each", null],
    fit: ["runs within the ranges below", run => fits(run)],
    all: ["every run whose curve is here", () => true],
  };
  const oneEach = runs => {
    const best = new Map(), rank = run => m.columns.role[run] === 1 ? m.columns.seed[run] : 1e6 + m.columns.seed[run];
    for (const run of runs) {
      const key = `${m.columns.optimizer[run]}/${m.columns.setting[run]}`;
      if (!best.has(key) || rank(run) < rank(best.get(key))) best.set(key, run);
    }
    return [...best.values()];
  };
  const runsShown = () => {
    const here = m.byProblem[state.problem].filter(run => state.visible.has(m.columns.optimizer[run]) && m.hasCurve(run, state.metric));
    return state.which === "one" ? oneEach(here) : here.filter(WHICH[state.which][1]);
  };

  // --- the start ---

  const begin = async () => {
    m = D.model(await D.unpack(packed.textContent));
    state = {
      problem: 0, metric: "loss", x: "step", xlog: false, ylog: true, which: "tuned", visible: new Set(m.optimizers.keys()),
      selection: "tuned", heat: {optimizer: 0, a: 0, b: -1, measure: "final"}, across: -1, ranges: {}, run: -1, more: false,
    };
    without.remove();
    said = html("p", {class: "away", role: "status", "aria-live": "polite"});
    const body = html("div", {class: "exploring"});
    packed.before(body, said);
    toggles(body);
    curvesView(body);
    runView(body);
    overallView(body);
    heatView(body);
    acrossView(body);
    changed();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
    new MutationObserver(changed).observe(document.documentElement, {attributes: true, attributeFilter: ["data-scheme"]});
    let width = body.clientWidth;
    new ResizeObserver(() => { if (body.clientWidth !== width) { width = body.clientWidth; requestAnimationFrame(changed); } }).observe(body);
    addEventListener("hashchange", follow);
    follow();
  };

  // Which optimizers take part: every view obeys.
  const toggles = parent => {
    const bar = html("div", {class: "bar"}, parent);
    choose(bar, "Problem", m.problems.map((p, i) => [i, p.name]), () => state.problem, value => turn(Number(value)));
    const box = html("fieldset", {class: "toggles"}, bar);
    html("legend", {}, box, "Optimizers that take part");
    const ticks = m.optimizers.map((look, o) => {
      const wrap = html("label", {class: "tick"}, box);
      const node = html("input", {type: "checkbox", value: look.name}, wrap);
      swatch(look, wrap);
      html("span", {class: "plain"}, wrap, look.name);
      node.checked = true;
      node.addEventListener("change", () => {
        state.visible[node.checked ? "add" : "delete"](o);
        changed();
        tell(`${look.name} ${node.checked ? "takes part" : "is left out"}. ${overallText()}`);
      });
      return node;
    });
    const all = on => { ticks.forEach((node, o) => { node.checked = on; state.visible[on ? "add" : "delete"](o); }); changed(); };
    press(box, "all", () => all(true));
    press(box, "none", () => all(false));
  };

  const turn = problem => {
    state.problem = problem;
    if (!m.metrics[problem].includes(state.metric)) state.metric = m.metrics[problem][0] ?? "loss";
    if (!axisChoices().some(([key]) => key === state.x)) state.x = "step";
  };

  const panel = (parent, title, id) => {
    const box = html("section", {class: "view", "aria-labelledby": id}, parent);
    html("h4", {id}, box, title);
    return box;
  };

  // --- curves ---

  const axisChoices = () => {
    const p = m.problems[state.problem];
    const counted = p.operations.some(n => n);
    return [["step", "updates"], ["gradients", "gradient evaluations"], ...(p.epoch ? [["epoch", "epochs"]] : []), ...(counted ? [["operations", "arithmetic operations"]] : [])];
  };
  // Where the axis has an update of optimizer o: an update is one gradient evaluation for all of them.
  const across = o => {
    const p = m.problems[state.problem];
    if (state.x === "epoch" && p.epoch) return step => step / p.epoch;
    if (state.x === "operations") return step => step * (p.operations[o] ?? NaN);
    return step => step;
  };
  const xName = () => Object.fromEntries(axisChoices())[state.x] ?? "updates";

  const isRising = metric => m.problems[state.problem].rising.includes(metric);
  // What rises to its best is a share or the like, and a cosine has both signs.
  const isLog = metric => !isRising(metric) && !/cosine/.test(metric);

  const curvesView = parent => {
    const box = panel(parent, "Curves", "explore-curves");
    const row = html("div", {class: "controls"}, box);
    choose(row, "Runs", Object.entries(WHICH).map(([key, [text]]) => [key, text]), () => state.which, value => { state.which = value; });
    choose(row, "Measure", () => m.metrics[state.problem].map(k => [k, metricName(state.problem, k)]), () => state.metric, value => { state.metric = value; state.ylog = isLog(value); logs.y.checked = state.ylog; });
    choose(row, "Across", axisChoices, () => state.x, value => { state.x = value; });
    const logs = {
      y: tick(row, "log upward", () => state.ylog, on => { state.ylog = on; }),
      x: tick(row, "log across", () => state.xlog, on => { state.xlog = on; }),
    };
    const plot = chart(box, "");
    const tip = html("div", {class: "tip", hidden: ""}, plot.box);
    const note = html("p", {class: "small"}, box);
    plot.box.tabIndex = 0;
    plot.box.setAttribute("role", "application");
    plot.box.setAttribute("aria-label", "Curves. Up and down choose a run, left and right move along it, Enter opens it.");
    let lines = [], hover = null;

    const draw = () => {
      lines = curveLines();
      curveFrame(plot, lines);
      lines.forEach(line => { line.points = line.xs.map((x, i) => [plot.px(x), plot.py(line.ys[i])]); });
      paintCurves(plot, lines, hover);
      const text = curveText(lines);
      note.textContent = `${text} Point at a curve, or use the arrow keys, to see its run; click or press Enter to open it.`;
      plot.axes.setAttribute("aria-label", text);
    };
    const point = (line, index) => {
      hover = line && {line, index};
      paintCurves(plot, lines, hover);
      tip.hidden = !line;
      if (!line) return;
      const [x, y] = line.points[index];
      tip.textContent = `${line.text}: ${brief(line.ys[index], 4)} at ${brief(line.xs[index], 6)} ${xName()}`;
      tip.style.left = `${Math.max(0, Math.min(plot.width - tip.offsetWidth - 4, x + 12))}px`;
      tip.style.top = `${Math.max(0, Math.min(plot.height - tip.offsetHeight, y - tip.offsetHeight - 8))}px`;
    };
    const nearest = event => {
      const area = plot.box.getBoundingClientRect(), x = event.clientX - area.left, y = event.clientY - area.top;
      let best = [24, null, 0];
      for (const line of lines) {
        const [away, index] = distance(line.points, x, y);
        if (away < best[0]) best = [away, line, index];
      }
      return best;
    };
    let waiting = false;
    plot.box.addEventListener("pointermove", event => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; const [, line, index] = nearest(event); point(line, index); });
    });
    plot.box.addEventListener("pointerleave", () => point(null));
    plot.box.addEventListener("click", event => { const [, line] = nearest(event); if (line && line.run >= 0) open(line.run); });
    plot.box.addEventListener("keydown", event => {
      const moves = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key];
      if (event.key === "Enter" && hover && hover.line.run >= 0) open(hover.line.run);
      if (event.key === "Escape") point(null);
      if (!moves || !lines.length) return;
      event.preventDefault();
      const order = [...lines].sort((a, b) => b.ys[b.ys.length - 1] - a.ys[a.ys.length - 1]);
      const from = hover ? order.indexOf(hover.line) : -1;
      const line = order[(from + moves[0] + order.length + (from < 0 && moves[0] <= 0 ? 1 : 0)) % order.length];
      const index = Math.max(0, Math.min(line.points.length - 1, (hover ? hover.index : line.points.length - 1) + moves[1]));
      point(line, index);
      tell(tip.textContent);
    });
    views.push(draw);
  };

  const curveLines = () => {
    const runs = runsShown();
    if (state.which === "band") return bandLines(runs);
    return runs.map(run => {
      const {steps, values} = m.curve(run, state.metric), o = m.columns.optimizer[run];
      return {run, optimizer: o, xs: steps.map(across(o)), ys: values, text: runText(run)};
    }).filter(line => line.ys.length && !Number.isNaN(line.xs[0]));
  };

  // Median and quartiles at each step; a run that diverged counts as infinitely bad from there on.
  const bandLines = runs => {
    const worst = isRising(state.metric) ? -Infinity : Infinity;
    return shown().flatMap(o => {
      const mine = runs.filter(run => m.columns.optimizer[run] === o);
      if (!mine.length) return [];
      const curves = mine.map(run => m.curve(run, state.metric));
      const {steps} = curves.reduce((a, b) => b.steps.length > a.steps.length ? b : a);
      const column = i => curves.map((c, k) => c.values[i] ?? (m.statuses[m.columns.status[mine[k]]] === "diverged" ? worst : NaN));
      const [low, middle, high] = [.25, .5, .75].map(q => steps.map((_, i) => D.quantile(column(i), q)));
      return [{run: -1, optimizer: o, xs: steps.map(across(o)), ys: middle, low, high, text: `${name(o)}, median of ${count(mine.length, "run")}`}];
    });
  };

  const curveFrame = (plot, lines) => {
    const values = lines.flatMap(line => [...line.ys, ...(line.low ?? []), ...(line.high ?? [])]).filter(v => isFinite(v) && (!state.ylog || v > 0));
    const starts = lines.map(line => line.ys[0]).filter(isFinite);
    let high = extreme(values, Math.max, 1), low = extreme(values, Math.min, state.ylog ? .1 : 0);
    // A run that diverges must not hide the rest; what lies far below is rounding.
    if (starts.length && state.metric === "loss") high = Math.min(high, Math.max(extreme(starts, Math.max, high) * BLOWN, low));
    if (!state.ylog && state.metric === "loss" && starts.length) high = Math.min(high, 1.2 * extreme(starts, Math.max, high));
    if (state.ylog) low = Math.max(low, high * FLOOR);
    const target = targetHeight();
    if (target !== null && target > 0) { low = Math.min(low, target); high = Math.max(high, target); }
    const xs = lines.flatMap(line => [line.xs[line.xs.length - 1]]);
    const smallest = extreme(lines.flatMap(line => line.xs.find(x => x > 0) ?? []), Math.min, 1);
    const pad = state.ylog ? 1 : (high - low) * .03;
    plot.prepare(
      scale(state.xlog ? smallest : 0, extreme(xs, Math.max, 1), state.xlog),
      scale(state.ylog ? low / 1.3 : low - pad, state.ylog ? high * 1.3 : high + pad, state.ylog),
      {x: xName(), y: metricName(state.problem, state.metric)},
    );
    if (target !== null && (!state.ylog || target > 0)) {
      const {left, width} = plot.inner;
      svg("path", {d: `M${left} ${plot.py(target)}h${width}`, class: "target"}, plot.axes);
      svg("text", {x: left + width - 4, y: plot.py(target) - 5, class: "tick end"}, plot.axes, "target");
    }
  };
  const extreme = (values, best, otherwise) => values.length ? values.reduce((a, b) => best(a, b)) : otherwise;
  const targetHeight = () => m.problems[state.problem].targets.find(t => t.metric === state.metric && t.height !== null)?.height ?? null;

  const paintCurves = (plot, lines, hover) => {
    const {inner, context, width, height} = plot;
    context.clearRect(0, 0, width, height);
    const crowd = lines.length > 60 ? .35 : lines.length > 20 ? .6 : .9;
    clipped(plot, pen => {
      for (const line of lines) if (line.low) {
        pen.fillStyle = color(m.optimizers[line.optimizer]);
        pen.globalAlpha = .16;
        const top = line.xs.map((x, i) => [plot.px(x), plot.py(line.high[i])]).map(([x, y]) => [x, Math.max(-1e4, y)]);
        const base = line.xs.map((x, i) => [plot.px(x), plot.py(line.low[i])]).reverse();
        pen.beginPath();
        [...top, ...base].filter(([, y]) => !Number.isNaN(y)).forEach(([x, y]) => pen.lineTo(x, y));
        pen.fill();
      }
      for (const line of lines) stroke(pen, line, crowd, 1.4);
      const strong = lines.find(line => line.run >= 0 && line.run === state.run);
      if (strong) stroke(pen, strong, 1, 3.2);
      if (hover) stroke(pen, hover.line, 1, 3.2);
    });
    const every = Math.max(1, Math.ceil(lines.length / 80));
    lines.forEach((line, i) => {
      const [x, y] = line.points[line.points.length - 1];
      if (i % every || Number.isNaN(y)) return;
      context.globalAlpha = 1;
      context.fillStyle = color(m.optimizers[line.optimizer]);
      glyph(context, m.optimizers[line.optimizer], x, Math.max(inner.top, Math.min(inner.top + inner.height, y)));
    });
    if (!hover) return;
    const [x, y] = hover.line.points[hover.index];
    context.globalAlpha = 1;
    context.strokeStyle = variable("ink");
    context.setLineDash([]);
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(x, Math.max(inner.top, Math.min(inner.top + inner.height, y)), 5, 0, 7);
    context.stroke();
  };
  const stroke = (pen, line, alpha, width) => {
    const look = m.optimizers[line.optimizer];
    pen.globalAlpha = alpha;
    pen.strokeStyle = color(look);
    pen.lineWidth = width;
    pen.setLineDash(look.dash.map(v => v * 1.6));
    trace(pen, line.points.map(([x, y]) => [x, Math.max(-1e4, Math.min(1e5, y))]));
    pen.setLineDash([]);
  };
  const curveText = lines => {
    const problem = m.problems[state.problem].name;
    if (!lines.length) return `No curve of this kind is held here for ${problem}.`;
    const names = [...new Set(lines.map(line => name(line.optimizer)))];
    const tuned = m.byProblem[state.problem].filter(run => state.visible.has(m.columns.optimizer[run]) && D.isTuned(m, run));
    const here = tuned.filter(run => m.hasCurve(run, state.metric)).length;
    const part = state.which === "band" && here < tuned.length ? ` Medians and quartiles are of the ${here} of ${count(tuned.length, "run")} whose curves this page holds.` : "";
    const work = state.x === "operations" ? " Counted are the operations of one gradient and one step of the rule, as written; a root or an exponential is one." : "";
    return capital(`${metricName(state.problem, state.metric)} on ${problem}: ${count(lines.length, "curve")} of ${few(names)} (${WHICH[state.which][0]}).${part}${work}`);
  };

  // --- over problems ---

  let overallText = () => "";
  const overallView = parent => {
    if (!m.problems.some(problem => problem.decision)) return;
    const box = panel(parent, "Over all problems: who leads among those that take part?", "explore-overall");
    const row = html("div", {class: "controls"}, box);
    choose(row, "Settings", [["tuned", "chosen"], ["default", "default"]], () => state.selection, value => { state.selection = value; });
    const two = html("div", {class: "two overall"}, box);
    const plot = chart(html("div", {}, two), "", {most: 340});
    const scroll = html("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": "Ranks"}, two);
    const table = html("table", {class: "ranks"}, scroll);
    const note = html("p", {class: "small"}, box);
    views.push(() => {
      const who = shown(), costs = m.costs[state.selection];
      const ranks = D.meanRanks(costs, who), profiles = D.profiles(costs, who), hits = D.hits(m, who, state.selection);
      const n = ranks[0]?.problems ?? 0;
      const rows = who.map((o, i) => ({o, ...ranks[i], ...profiles[i], ...hits[i]})).sort((a, b) => a.mean - b.mean || name(a.o).localeCompare(name(b.o)));
      rankTable(table, rows);
      drawProfiles(plot, who, profiles);  // after the table, which takes its room first
      const first = rows.filter(row => row.mean <= rows[0].mean + 1e-9).map(row => name(row.o));
      const lead = first.length > 1 ? `${first.slice(0, -1).join(", ")} and ${first[first.length - 1]} share` : `${first[0]} has`;
      overallText = () => n && rows.length ? `${lead} the best mean rank, ${brief(rows[0].mean)}, over ${count(n, "problem")} among ${count(rows.length, "optimizer")}.` : "No problem has a time to compare.";
      note.textContent = `${overallText()} Compared is the median number of updates, over the evaluation seeds, until the deciding target is held; never is worse than any time, and shares the last ranks. A problem counts where it has a target and all that take part were run on it: ${n} of ${m.problems.length}. The profile is the share of these problems that each solves within a multiple of the time of the best one present (Dolan and Moré 2002), so it changes with who is present: read from it who leads, and compare two by hiding the others. Score: the mean of the profile between 1 and 4.`;
      plot.axes.setAttribute("aria-label", `Performance profiles. ${overallText()}`);
    });
  };

  const drawProfiles = (plot, who, profiles) => {
    const most = Math.max(2, ...profiles.map(p => p.ratios[p.ratios.length - 1])) * 1.15;
    plot.prepare(scale(1, most, true), scale(0, 1.04, false), {x: "time as a multiple of the best’s", y: "share of problems solved"});
    const {context} = plot;
    context.clearRect(0, 0, plot.width, plot.height);
    who.forEach((o, i) => {
      const {ratios, share} = profiles[i], look = m.optimizers[o];
      const points = ratios.flatMap((r, k) => [[plot.px(r), plot.py(k ? share[k - 1] : share[0])], [plot.px(r), plot.py(share[k])]]);
      points.push([plot.px(most), points[points.length - 1][1]]);
      context.strokeStyle = context.fillStyle = color(look);
      context.lineWidth = 2;
      context.setLineDash(look.dash.map(v => v * 2));
      trace(context, points);
      context.setLineDash([]);
      glyph(context, look, plot.px(most), points[points.length - 1][1], 12);
    });
  };

  const rankTable = (table, rows) => {
    const head = html("tr", {}, html("thead"));
    for (const text of ["Optimizer", "mean rank", "best on", "solved", "score", "runs that held"]) html("th", {scope: "col", class: text === "Optimizer" ? "" : "number"}, head, text);
    const body = html("tbody");
    for (const row of rows) {
      const line = html("tr", {}, body), first = html("th", {scope: "row"}, line);
      swatch(m.optimizers[row.o], first);
      html("span", {}, first, ` ${name(row.o)}`);
      for (const text of [brief(row.mean), `${row.first}`, `${row.solved} of ${row.problems}`, brief(row.score), `${row.held} of ${row.count}`]) html("td", {class: "number"}, line, text);
    }
    table.replaceChildren(head.parentNode, body);
  };

  // --- settings as a heat map ---

  const MEASURES = {
    final: [p => `median last ${gapOrLoss(p)}`, rows => D.quantile(rows.map(r => m.statuses[m.columns.status[r]] === "diverged" ? Infinity : m.columns.final[r]), .5), true],
    held: [() => "share of runs that held the target", rows => rows.filter(r => isFinite(m.columns.held[r])).length / rows.length, false],
    steps: [() => "median updates to hold the target", rows => D.quantile(rows.map(r => m.columns.held[r]), .5), true],
    diverged: [() => "share of runs that diverged", rows => rows.filter(r => m.statuses[m.columns.status[r]] === "diverged").length / rows.length, false],
  };
  const heatOf = () => state.heat.b < 0 ? -1 : state.problem;
  const varied = o => m.settings[o].names.map((_, i) => i).filter(i => new Set(m.settings[o].values[i].filter(v => v !== null)).size > 1);
  const MOST_CELLS = 16;

  const heatView = parent => {
    if (!m.optimizers.some((_, o) => varied(o).length)) return;
    const box = panel(parent, "Which settings work?", "explore-heat");
    const row = html("div", {class: "controls"}, box);
    const tuneable = () => m.optimizers.map((look, o) => [o, look.name]).filter(([o]) => varied(o).length);
    const reset = () => { const free = varied(state.heat.optimizer); state.heat.a = free[0] ?? 0; state.heat.b = free[1] ?? -1; };
    state.heat.optimizer = tuneable()[0][0];
    reset();
    choose(row, "Optimizer", tuneable(), () => state.heat.optimizer, value => { state.heat.optimizer = Number(value); reset(); });
    const options = () => varied(state.heat.optimizer).map(i => [i, m.settings[state.heat.optimizer].names[i]]);
    choose(row, "Across", options, () => state.heat.a, value => { state.heat.a = Number(value); });
    choose(row, "Upward", () => [...options().filter(([i]) => i !== state.heat.a), [-1, "problems"]], () => state.heat.b, value => { state.heat.b = Number(value); });
    choose(row, "Colour", () => Object.entries(MEASURES).map(([key, [text]]) => [key, text(heatOf())]), () => state.heat.measure, value => { state.heat.measure = value; });
    const plot = html("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": "Heat map of settings"}, box);
    const note = html("p", {class: "small"}, box);
    views.push(() => {
      if (state.heat.b === state.heat.a) state.heat.b = -1;
      note.textContent = drawHeat(plot);
    });
  };

  // The values of an axis: each where they are few, else stretches of alike many.
  const groups = values => {
    const known = [...new Set(values.filter(v => v !== null))].sort((a, b) => a - b);
    if (known.length <= MOST_CELLS) return known.map(v => ({low: v, high: v, text: brief(v, 2)}));
    const size = known.length / 12;
    return [...Array(12).keys()].map(i => {
      const part = known.slice(Math.floor(i * size), Math.floor((i + 1) * size));
      return {low: part[0], high: part[part.length - 1], lines: [brief(part[0], 2), `–${brief(part[part.length - 1], 2)}`], text: `${brief(part[0], 2)}–${brief(part[part.length - 1], 2)}`};
    });
  };
  const groupOf = (list, value) => list.findIndex(g => value >= g.low && value <= g.high);

  const heatCells = () => {
    const {optimizer: o, a, b, measure} = state.heat, {values} = m.settings[o], {setting, optimizer} = m.columns;
    const xs = groups(values[a]), ys = b < 0 ? m.problems.map((p, i) => ({text: p.name + (measure === "final" && p.minimum === null && gapOrLoss(-1) !== "loss" ? " (loss)" : ""), problem: i})) : groups(values[b]);
    const pool = (b < 0 ? m.columns.id.map((_, run) => run) : m.byProblem[state.problem]).filter(run => optimizer[run] === o);
    const staged = !pool.some(run => D.has(m, run, "grid"));
    const cells = new Map();
    for (const run of pool) {
      if (staged ? !D.has(m, run, "trial") : !D.isEvaluated(m, run)) continue;
      const x = groupOf(xs, values[a][setting[run]]), y = b < 0 ? m.columns.problem[run] : groupOf(ys, values[b][setting[run]]);
      if (x < 0 || y < 0) continue;
      const key = `${x}/${y}`;
      if (!cells.has(key)) cells.set(key, {x, y, settings: new Map()});
      const inside = cells.get(key).settings;
      inside.set(setting[run], [...(inside.get(setting[run]) ?? []), run]);
    }
    // Where several settings fall into one cell, the best of them stands for it.
    const best = measure === "held" ? (p, q) => q > p : (p, q) => q < p;
    for (const cell of cells.values()) for (const [place, runs] of cell.settings) {
      const value = MEASURES[measure][1](runs.filter(r => D.ran(m, r)));
      if (cell.value === undefined || Number.isNaN(cell.value) || best(cell.value, value)) Object.assign(cell, {value, place, runs});
    }
    return {xs, ys, cells: [...cells.values()], staged};
  };

  const drawHeat = hostNode => {
    const {xs, ys, cells, staged} = heatCells(), {optimizer: o, a, b, measure} = state.heat;
    const [label, , log] = MEASURES[measure];
    const finite = cells.map(c => c.value).filter(v => isFinite(v) && (!log || v > 0));
    const high = log ? extreme(finite, Math.max, 1) : 1, low = log ? Math.max(extreme(finite, Math.min, .1), high * FLOOR) : 0;
    const range = scale(low, high, log);
    // A strong colour is good whatever the measure; what has no finite value is dashed.
    const shade = v => { const t = Math.max(0, Math.min(1, range.place(v))); return measure === "held" ? t : 1 - t; };
    const left = b < 0 ? Math.min(170, 20 + 7 * Math.max(...ys.map(y => y.text.length))) : ys.some(y => y.lines) ? 112 : 86, wide = xs.length > 12 ? 52 : 58, tall = 30;
    const width = left + wide * xs.length + 8, below = xs.some(x => x.lines) ? 14 : 0, height = tall * ys.length + 58 + below;
    const text = `${label(heatOf())} of ${name(o)}${b < 0 ? "" : ` on ${m.problems[state.problem].name}`}`;
    const picture = svg("svg", {width, height, viewBox: `0 0 ${width} ${height}`, class: "heat", role: "group", "aria-label": `${text}, by ${m.settings[o].names[a]}. Arrow keys go from cell to cell, Enter opens a run.`});
    const placed = new Map();
    xs.forEach((x, i) => (x.lines ?? [x.text]).forEach((line, k) => svg("text", {x: left + wide * (i + .5), y: tall * ys.length + 18 + 14 * k, class: "tick middle"}, picture, line)));
    const row = i => b < 0 ? i : ys.length - 1 - i;  // problems stand as in the spec, numbers rise
    ys.forEach((y, i) => svg("text", {x: left - 8, y: tall * (row(i) + .5) + 4, class: "tick end"}, picture, y.text.length > 22 ? `${y.text.slice(0, 21)}…` : y.text));
    svg("text", {x: left + wide * xs.length / 2, y: height - 14, class: "name middle"}, picture, m.settings[o].names[a]);
    for (const cell of cells) {
      const x = left + wide * cell.x, y = tall * row(cell.y), ok = isFinite(cell.value), t = ok ? shade(cell.value) : 0;
      const group = svg("g", {class: ok ? "cell" : "cell never", style: `--t: ${Math.round(t * 100)}%`, role: "button", tabindex: placed.size ? -1 : 0}, picture);
      placed.set(`${cell.x},${row(cell.y)}`, group);
      svg("rect", {x: x + 1, y: y + 1, width: wide - 2, height: tall - 2}, group);
      const shownText = ok ? (log ? brief(cell.value, 2) : `${Math.round(100 * cell.value)} %`) : measure === "final" && cell.value === Infinity ? "diverged" : Number.isNaN(cell.value) ? "–" : "never";
      svg("text", {x: x + wide / 2, y: y + tall / 2 + 4, class: t > .55 ? "middle over" : "middle"}, group, shownText);
      const mine = b < 0 ? cell.y : state.problem;
      if (m.chosen[mine][o] === cell.place) svg("rect", {x: x + 2.5, y: y + 2.5, width: wide - 5, height: tall - 5, class: "chosen"}, group);
      const words = `${name(o)} on ${m.problems[mine].name}, ${settingText(cell.runs[0])}: ${shownText}, ${count(cell.runs.length, "run")}`;
      svg("title", {}, group, words);
      group.setAttribute("aria-label", words);
      group.addEventListener("click", () => open(cell.runs[0]));
      group.addEventListener("keydown", event => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(cell.runs[0]); }
        const move = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
        if (!move) return;
        event.preventDefault();
        // Past cells that were not run.
        for (let x = cell.x + move[0], y = row(cell.y) + move[1]; x >= 0 && y >= 0 && x < xs.length && y < ys.length; x += move[0], y += move[1]) {
          const next = placed.get(`${x},${y}`);
          if (!next) continue;
          group.setAttribute("tabindex", -1);
          next.setAttribute("tabindex", 0);
          next.focus();
          return;
        }
      });
    }
    hostNode.replaceChildren(picture);
    const binned = [xs, ys].some(list => list.some(g => g.low !== g.high)) ? " Values are many, so neighbours are gathered." : "";
    return `${capital(text)}: the stronger the colour the better; framed is the chosen setting; pale cells with a word have no finite median.${binned} Where several settings share a cell it shows the best. ${staged ? "From the trials, on tuning seeds." : "On the evaluation seeds."} Click on a cell, or press Enter on it, to open one of its runs.`;
  };

  // --- parallel coordinates ---

  const axesAcross = () => {
    const who = state.across < 0 ? shown() : [state.across];
    const names = [...new Set(who.flatMap(o => m.settings[o].names))];
    const value = key => run => { const i = m.settings[m.columns.optimizer[run]].names.indexOf(key); return i < 0 ? NaN : m.settings[m.columns.optimizer[run]].values[i][m.columns.setting[run]] ?? NaN; };
    const hypers = names.map(key => ({key: `hyper.${key}`, text: key, value: value(key)}))
      .filter(axis => new Set(pool().map(axis.value).filter(v => !Number.isNaN(v))).size > 1);
    const axes = [...hypers, {key: "final", text: `last ${m.problems[state.problem].minimum === null ? "loss" : "gap"}`, value: run => m.statuses[m.columns.status[run]] === "diverged" ? Infinity : m.columns.final[run]}];
    if (m.problems[state.problem].decision) axes.push({key: "held", text: "updates to hold", value: run => m.columns.held[run]});
    return [...axes, {key: "rise", text: "largest rise", value: run => m.columns.rise[run]}];
  };
  const pool = () => m.byProblem[state.problem].filter(run => (state.across < 0 ? state.visible.has(m.columns.optimizer[run]) : m.columns.optimizer[run] === state.across));
  let axesNow = [];
  const fits = run => axesNow.every(axis => {
    const range = state.ranges[axis.key];
    if (!range) return true;
    const value = axis.value(run);
    return value >= (range[0] ?? -Infinity) && value <= (range[1] ?? Infinity);
  });

  const acrossView = parent => {
    const box = panel(parent, "All runs at once", "explore-across");
    let kept = "";
    const row = html("div", {class: "controls"}, box);
    choose(row, "Optimizer", [[-1, "all that take part"], ...m.optimizers.map((look, o) => [o, look.name])], () => state.across, value => { state.across = Number(value); state.ranges = {}; kept = ""; });
    const plot = chart(box, "", {most: 360, left: 44, right: 44, top: 48, bottom: 16});
    plot.box.classList.add("brushed");
    const ranges = html("div", {class: "controls ranges", role: "group", "aria-label": "Ranges"}, box);
    const note = html("p", {class: "small"}, box);
    const list = html("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": "Runs within the ranges"}, box);
    const draw = () => {
      axesNow = axesAcross();
      const runs = pool();
      axesNow.forEach(axis => { axis.scale = axisScale(runs.map(axis.value)); });
      paintAcross(plot, runs);
      const key = axesNow.map(axis => axis.key).join(" ");
      if (key !== kept) { kept = key; rangeFields(ranges, draw); }
      const inside = runs.filter(fits).sort((p, q) => rank(p) - rank(q));
      note.textContent = `${count(inside.length, "run")} of ${runs.length.toLocaleString("en")} on ${m.problems[state.problem].name}. Each line is one run. Drag along an axis, or fill in the fields, to keep a range; “∞” above an axis is never, or diverged.`;
      plot.axes.setAttribute("aria-label", note.textContent);
      runTable(list, inside, draw);
    };
    brushing(plot, () => { rangeFields(ranges, draw); changed(); });
    views.unshift(() => { axesNow = axesAcross(); });
    views.push(draw);
  };
  const rank = run => { const held = m.columns.held[run]; return m.problems[m.columns.problem[run]].decision && isFinite(held) ? held - 1e12 : Number.isNaN(m.columns.final[run]) ? 1e300 : Math.min(1e200, m.columns.final[run]); };

  const axisScale = values => {
    const finite = values.filter(isFinite), positive = finite.filter(v => v > 0);
    const low = extreme(finite, Math.min, 0), high = extreme(finite, Math.max, 1);
    const log = positive.length > 0 && low >= 0 && high / extreme(positive, Math.min, 1) > 8;
    return log ? scale(Math.max(extreme(positive, Math.min, 1), high * FLOOR), high, true) : scale(low, high, false);
  };
  const xOf = (plot, i) => plot.inner.left + plot.inner.width * (axesNow.length > 1 ? i / (axesNow.length - 1) : .5);
  const yOf = (plot, axis, value) => Number.isNaN(value) ? NaN : value === Infinity ? plot.inner.top - 12 : plot.inner.top + plot.inner.height * (1 - axis.scale.place(value));

  const paintAcross = (plot, runs) => {
    plot.prepare(null, null);
    const {context, inner} = plot;
    context.clearRect(0, 0, plot.width, plot.height);
    const inside = runs.filter(fits), outside = runs.length > inside.length ? runs.filter(run => !fits(run)) : [];
    const draw = (list, alpha, ink) => {
      context.lineWidth = 1;
      for (const run of list) {
        const look = m.optimizers[m.columns.optimizer[run]];
        context.globalAlpha = alpha;
        context.strokeStyle = ink ?? color(look);
        context.setLineDash(list.length < 300 ? look.dash.map(v => v * 1.6) : []);
        // What a run does not have (another optimizer's hyperparameter) it passes by.
        trace(context, axesNow.map((axis, i) => [xOf(plot, i), yOf(plot, axis, axis.value(run))]).filter(([, y]) => !Number.isNaN(y)));
      }
      context.setLineDash([]);
    };
    draw(outside, .12, variable("muted"));
    draw(inside, Math.max(.06, Math.min(.8, 60 / Math.max(1, inside.length))));
    if (state.run >= 0 && runs.includes(state.run)) { context.lineWidth = 3; draw([state.run], 1, variable("ink")); }
    const tight = inner.width < 120 * (axesNow.length - 1);  // names would meet
    axesNow.forEach((axis, i) => {
      const x = xOf(plot, i), anchor = i === 0 && axesNow.length > 1 ? "" : i === axesNow.length - 1 ? "end" : "middle";
      svg("path", {d: `M${x} ${inner.top}v${inner.height}`, class: "axis"}, plot.axes);
      svg("text", {x: anchor === "" ? x - 36 : anchor === "end" ? x + 40 : x, y: tight && i % 2 ? 26 : 12, class: `name ${anchor}`}, plot.axes, axis.text);
      for (const [value, text] of axis.scale.ticks(5)) {
        svg("path", {d: `M${x - 4} ${yOf(plot, axis, value)}h4`, class: "axis"}, plot.axes);
        svg("text", {x: x - 7, y: yOf(plot, axis, value) + 4, class: "tick end halo"}, plot.axes, text);
      }
      if (runs.some(run => axis.value(run) === Infinity)) svg("text", {x: x - 7, y: inner.top - 8, class: "tick end halo"}, plot.axes, "∞");
      const range = state.ranges[axis.key];
      if (!range) return;
      const top = yOf(plot, axis, range[1] ?? Infinity), base = yOf(plot, axis, range[0] ?? axis.scale.low);
      svg("rect", {x: x - 7, y: Math.min(top, base), width: 14, height: Math.max(3, Math.abs(base - top)), class: "brush"}, plot.axes);
    });
  };

  const brushing = (plot, done) => {
    let held = null;
    const place = event => { const area = plot.box.getBoundingClientRect(); return [event.clientX - area.left, event.clientY - area.top]; };
    const valueAt = (axis, y) => y < plot.inner.top - 4 ? Infinity : axis.scale.value(Math.max(0, Math.min(1, 1 - (y - plot.inner.top) / plot.inner.height)));
    plot.box.addEventListener("pointerdown", event => {
      const [x, y] = place(event), near = axesNow.findIndex((_, i) => Math.abs(xOf(plot, i) - x) < 18);
      if (near < 0) return;
      held = {axis: axesNow[near], y};
      plot.box.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    plot.box.addEventListener("pointerup", event => {
      if (!held) return;
      const [, y] = place(event), {axis, y: from} = held;
      held = null;
      if (Math.abs(y - from) < 4) delete state.ranges[axis.key];
      else state.ranges[axis.key] = [valueAt(axis, Math.max(y, from)), valueAt(axis, Math.min(y, from))].map(v => isFinite(v) ? Number(v.toPrecision(4)) : v);
      done();
    });
    plot.box.addEventListener("pointercancel", () => { held = null; });
  };

  const rangeFields = (parent, draw) => {
    parent.replaceChildren(...axesNow.map(axis => {
      const set = html("fieldset", {});
      html("legend", {}, set, axis.text);
      for (const [end, word] of [[0, "from"], [1, "to"]]) {
        const node = html("input", {type: "number", step: "any", placeholder: word, "aria-label": `${axis.text} ${word}`}, set);
        const value = state.ranges[axis.key]?.[end];
        node.value = value !== undefined && isFinite(value) ? value : "";
        node.addEventListener("change", () => {
          const range = state.ranges[axis.key] ?? [undefined, undefined];
          range[end] = node.value === "" ? undefined : Number(node.value);
          if (range.some(v => v !== undefined)) state.ranges[axis.key] = range; else delete state.ranges[axis.key];
          changed();
          tell(`${count(pool().filter(fits).length, "run")} within the ranges.`);
        });
      }
      return set;
    }));
    press(parent, "clear ranges", () => { state.ranges = {}; rangeFields(parent, draw); changed(); });
  };

  const runTable = (parent, runs, draw) => {
    const table = html("table"), head = html("tr", {}, html("thead", {}, table));
    for (const text of ["Run", "setting", "seed", "status", "last", "held"]) html("th", {scope: "col"}, head, text);
    const body = html("tbody", {}, table);
    for (const run of runs.slice(0, state.more ? 200 : SHOWN)) {
      const line = html("tr", {}, body), first = html("th", {scope: "row"}, line), look = m.optimizers[m.columns.optimizer[run]];
      swatch(look, first);
      html("a", {href: `#run=${m.columns.id[run]}`}, first, look.name).addEventListener("click", event => { event.preventDefault(); open(run); });
      for (const text of [settingText(run), seedText(run), statusText(run), brief(m.columns.final[run]), stepText(m.columns.held[run])]) html("td", {}, line, text);
    }
    parent.replaceChildren(table);
    if (runs.length > SHOWN) press(parent, state.more ? "fewer" : `more of the ${runs.length.toLocaleString("en")} runs`, () => { state.more = !state.more; draw(); });
  };
  const statusText = run => ({hit: "held the target", budget: "to its budget", diverged: "diverged", error: "error"})[m.statuses[m.columns.status[run]]];

  // --- one run ---

  let showRun = () => {};
  const open = (run, quietly = false) => {
    state.run = run;
    turn(m.columns.problem[run]);
    changed();
    if (!quietly) history.replaceState(null, "", `#run=${m.columns.id[run]}`);
    showRun(true);
  };
  const follow = () => {
    const id = /^#run=([0-9a-f]{4,16})$/.exec(location.hash)?.[1];
    if (!id) return;
    const run = D.find(m, id);
    if (run >= 0) open(run, true);
    else tell(`This page holds no run ${id}.`);
  };

  const runView = parent => {
    const box = html("section", {class: "view one-run", "aria-labelledby": "explore-run", hidden: ""}, parent);
    const title = html("h4", {id: "explore-run", tabindex: "-1"}, box);
    const inside = html("div", {}, box);
    views.push(() => { if (state.run >= 0) fill(); });
    const fill = () => {
      const run = state.run, c = m.columns, p = c.problem[run];
      title.textContent = `${name(c.optimizer[run])} on ${m.problems[p].name}, ${seedText(run)}`;
      inside.replaceChildren();
      press(html("p", {class: "controls"}, inside), "close", () => { state.run = -1; box.hidden = true; history.replaceState(null, "", location.pathname + location.search); changed(); });
      const two = html("div", {class: "two"}, inside);
      const facts = html("dl", {}, two), pictures = html("div", {}, two);
      for (const [key, value] of runFacts(run)) { html("dt", {}, facts, key); html("dd", {}, facts, value); }
      runCurve(html("div", {}, pictures), run);
      runPath(html("div", {}, pictures), run);
      runSpec(inside, run);
    };
    showRun = focused => {
      box.hidden = false;
      fill();
      if (!focused) return;
      title.scrollIntoView({block: "start"});
      title.focus({preventScroll: true});
      tell(`Run of ${title.textContent} is open.`);
    };
  };

  const runFacts = run => {
    const c = m.columns, p = m.problems[c.problem[run]], word = p.minimum === null ? "loss" : "gap";
    const parts = m.parts.filter(part => D.has(m, run, part));
    const played = {trial: "to choose the setting by", grid: "at every setting", chosen: "at the chosen setting", default: "at the default setting", profile: "around the chosen setting", picture: "from the usual start"};
    return [
      ["Setting", settingText(run) || "none"],
      ["Run", parts.map(part => played[part]).join("; ") + (D.isTuned(m, run) ? "; this is the chosen setting" : "")],
      ["Status", statusText(run) + (isFinite(c.diverged[run]) ? ` at update ${brief(c.diverged[run], 9)}` : "")],
      [`Last ${word}`, brief(c.final[run], 4)],
      [`Best ${word}`, brief(c.best[run], 4)],
      ...(p.decision ? [[`First reached ${p.goal}`, stepText(c.reached[run])], ["Held it from", stepText(c.held[run])]] : []),
      ["Largest rise", Number.isNaN(c.rise[run]) ? "–" : isFinite(c.rise[run]) ? `${brief(100 * c.rise[run])} % of the start’s` : "without bound"],
      ["Budget", `${p.steps.toLocaleString("en")} updates`],
      ["run_id", c.id[run]],
    ];
  };

  const runCurve = (parent, run) => {
    const curve = m.curve(run, "loss");
    if (!curve) { html("p", {class: "small"}, parent, "The curve of this run is not among those that the page holds; the spec below makes it again, and curves.parquet has it where curves were kept."); return; }
    const p = m.columns.problem[run], keep = {...state}, plot = chart(parent, `${gapOrLoss(p)} of this run, from ${brief(curve.values[0])} to ${brief(curve.values[curve.values.length - 1])}`, {most: 260});
    const line = {run, optimizer: m.columns.optimizer[run], xs: curve.steps, ys: curve.values};
    Object.assign(state, {problem: p, metric: "loss", x: "step", xlog: false, ylog: curve.values.some(v => v > 0) && !curve.values.some(v => v < 0)});
    curveFrame(plot, [line]);
    line.points = line.xs.map((x, i) => [plot.px(x), plot.py(line.ys[i])]);
    paintCurves(plot, [line], null);
    Object.assign(state, keep);
  };

  const runPath = (parent, run) => {
    const path = m.path(run), plane = m.problems[m.columns.problem[run]].plane;
    if (!path || !plane) return;
    const SIDE = 1000, [left, right, bottom, top] = plane.window, look = m.optimizers[m.columns.optimizer[run]];
    const px = x => Math.max(-9 * SIDE, Math.min(9 * SIDE, SIDE * (x - left) / (right - left))), py = y => Math.max(-9 * SIDE, Math.min(9 * SIDE, SIDE * (top - y) / (top - bottom)));
    const points = path.x.map((x, i) => [px(x), py(path.y[i])]).filter(([x, y]) => !Number.isNaN(x + y));
    if (!points.length) return;
    const picture = svg("svg", {viewBox: "-110 -20 1140 1120", class: "plane mark", role: "img", style: `--day: ${look.day}; --night: ${look.night}`, "aria-label": `The path of this run, from (${brief(path.x[0])}, ${brief(path.y[0])})`}, parent);
    const clip = svg("clipPath", {id: "explore-clip"}, picture);
    svg("rect", {width: SIDE, height: SIDE}, clip);
    for (const d of plane.contours) svg("path", {d, class: "contour"}, picture);
    svg("rect", {width: SIDE, height: SIDE, class: "frame"}, picture);
    for (const [x, y] of plane.minima) svg("path", {d: `M${px(x) - 20} ${py(y)}h40M${px(x)} ${py(y) - 20}v40`, class: "minimum"}, picture);
    const inside = svg("g", {"clip-path": "url(#explore-clip)"}, picture);
    svg("path", {d: `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`, class: "walk"}, inside);
    points.forEach(([x, y], i) => svg("circle", {cx: x, cy: y, r: i ? 5 : 13, class: i ? "stop" : "stop first"}, inside));
    for (const [x, y, text, kind] of [[0, 1045, brief(left), ""], [SIDE, 1045, brief(right), "end"], [SIDE / 2, 1070, plane.names[0], "middle"], [-12, SIDE, brief(bottom), "end"], [-12, 26, brief(top), "end"], [-12, SIDE / 2, plane.names[1], "end"]]) svg("text", {x, y, class: `tick ${kind}`}, picture, text);
    html("p", {class: "small"}, parent, `Its path over lines of equal loss, ${count(points.length, "point")} of it; the ring is the start, crosses are minima.`);
  };

  const runSpec = (parent, run) => {
    const text = D.spec(m, run);
    html("h4", {}, parent, "The spec that repeats this run alone");
    if (!text) { html("p", {}, parent, "There is none: this run was made elsewhere, or its spec is not at hand."); return; }
    const file = `run-${m.columns.id[run]}.yaml`, uses = text.includes(".py:") ? ` Save it beside ${m.spec_file}, since it uses a file from there.` : "";
    html("pre", {tabindex: "0", class: "spec"}, parent, text);
    const row = html("p", {class: "controls"}, parent);
    const copy = press(row, "copy the spec", async () => {
      try { await navigator.clipboard.writeText(text); copy.textContent = "copied"; tell("The spec is copied."); }
      catch { copy.textContent = "select and copy it by hand"; }
      setTimeout(() => { copy.textContent = "copy the spec"; }, 2500);
    });
    press(row, "save the spec", () => {
      const link = html("a", {href: URL.createObjectURL(new Blob([text], {type: "text/yaml;charset=utf-8"})), download: file});
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
    html("p", {class: "small"}, parent, `Then: optlab run ${file} — the same start, minibatches and noise, to the last bit with the same versions and kind of processor.${uses}`);
  };

  begin();
})();
