"use strict";
// What the interactive part knows: its numbers unpacked, and what is computed from them again when an
// optimizer is hidden. Nothing here touches the page.
const exploreData = (() => {
  const HUGE = 9e307, FINE = 4000;

  const unpack = async text => {
    const bytes = Uint8Array.from(atob(text.trim()), sign => sign.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };

  // --- numbers as they were ---

  const number = value => value === null ? NaN : Math.abs(value) >= HUGE ? Math.sign(value) * Infinity : value;
  const numbers = column => Float64Array.from(column, number);
  const filled = (column, like) => Float64Array.from(column, (v, i) => v === null ? like[i] : number(v));
  const summed = differences => { let total = 0; return differences.map(step => total += step); };
  const values = (row, unit) => {
    let total = 0;
    return row.map(item => {
      if (item === null) return 0;
      if (item === false) return NaN;
      total += item;
      return unit ? total * unit : 10 ** (total / FINE);
    });
  };

  // Curves by metric, then by run; a row is decoded when it is first asked for.
  const indexed = (parts, read) => {
    const found = new Map();
    for (const part of parts) summed(part.runs).forEach((run, i) => {
      const key = `${part.metric ?? ""}/${run}`;
      let made = null;
      found.set(key, () => made ||= read(part, i));
    });
    return found;
  };

  const model = data => {
    const {runs} = data;
    const final = numbers(runs.final), reached = numbers(runs.reached);
    const columns = {
      ...runs, final, reached, best: filled(runs.best, final), held: filled(runs.held, reached),
      diverged: numbers(runs.diverged), rise: numbers(runs.rise),
    };
    const curves = indexed(data.curves, (part, i) => {
      const ys = values(part.values[i], part.unit);
      return {steps: part.steps.slice(0, ys.length), values: ys};
    });
    const paths = indexed(data.paths, (part, i) => ({
      steps: part.steps, x: values(part.x[i], part.unit), y: values(part.y[i], part.unit),
    }));
    const metrics = data.problems.map((_, p) =>
      [...new Set(data.curves.filter(part => part.problem === p).map(part => part.metric))]);
    const all = [...Array(runs.id.length).keys()];
    const byProblem = data.problems.map((_, p) => all.filter(i => runs.problem[i] === p));
    const costs = Object.fromEntries(Object.entries(data.costs).map(([k, table]) => [k, table.map(numbers)]));
    return {
      ...data, columns, metrics, byProblem, costs,
      curve: (run, metric) => curves.get(`${metric}/${run}`)?.() ?? null,
      hasCurve: (run, metric) => curves.has(`${metric}/${run}`),
      path: run => paths.get(`/${run}`)?.() ?? null,
    };
  };

  // --- what a run is ---

  const has = (m, run, part) => (m.columns.parts[run] >> m.parts.indexOf(part) & 1) === 1;
  const isEvaluated = (m, run) => m.roles[m.columns.role[run]] === "evaluate";
  const at = (m, run, places) => {
    const {problem, optimizer, setting} = m.columns;
    return isEvaluated(m, run) && places[problem[run]][optimizer[run]] === setting[run];
  };
  const isTuned = (m, run) => at(m, run, m.chosen);
  const isDefault = (m, run) => at(m, run, m.default);
  const hypers = (m, run) => {
    const {names, values: columns} = m.settings[m.columns.optimizer[run]];
    return names.map((name, i) => [name, columns[i][m.columns.setting[run]]]);
  };
  const find = (m, id) => m.columns.id.findIndex(known => id.startsWith(known));

  // --- statistics, as the report's own ---

  // Linear between order statistics; between a number and infinity it is infinity. NaN is left out.
  const quantile = (given, q) => {
    const ordered = Float64Array.from(given).filter(v => !Number.isNaN(v)).sort();
    if (!ordered.length) return NaN;
    const place = (ordered.length - 1) * q, share = place - Math.floor(place);
    const below = ordered[Math.floor(place)], above = ordered[Math.ceil(place)];
    if (share === 0) return below;
    return isFinite(below) && isFinite(above) ? below + share * (above - below) : above === Infinity ? above : below;
  };

  // Rows (problems) on which every shown optimizer was run, with their costs in the order of `shown`.
  const known = (table, shown) => table
    .map((line, problem) => ({problem, costs: shown.map(o => line[o])}))
    .filter(row => row.costs.length && !row.costs.some(Number.isNaN));

  const meanRanks = (table, shown) => {
    const rows = known(table, shown);
    return shown.map((_, s) => {
      const ranks = rows.map(({costs}) => {
        const lower = costs.filter(c => c < costs[s]).length, same = costs.filter(c => c === costs[s]).length;
        return lower + (same + 1) / 2;
      });
      return {
        mean: rows.length ? ranks.reduce((a, b) => a + b, 0) / rows.length : NaN,
        first: rows.filter(({costs}) => isFinite(costs[s]) && !costs.some(c => c < costs[s])).length,
        last: rows.filter(({costs}) => !costs.some(c => c > costs[s])).length,
        problems: rows.length,
      };
    });
  };

  // Performance profiles (Dolan & More 2002): for each shown optimizer the ratios at which its share
  // rises, how many problems it solved, and its mean share from ratio 1 to 4.
  const profiles = (table, shown, largest = 4) => {
    const rows = known(table, shown);
    return shown.map((_, s) => {
      const ratios = rows.map(({costs}) => isFinite(costs[s]) ? costs[s] / Math.min(...costs) : Infinity);
      const finite = ratios.filter(isFinite);
      const rises = [...new Set([1, ...finite])].sort((a, b) => a - b);
      const share = rises.map(r => finite.filter(v => v <= r).length / Math.max(rows.length, 1));
      const earned = ratios.map(r => Math.max(0, (largest - r) / (largest - 1)));
      return {
        ratios: rises, share, problems: rows.length, solved: finite.length,
        score: rows.length ? earned.reduce((a, b) => a + b, 0) / rows.length : NaN,
      };
    });
  };

  // Runs that held the deciding target, of all that were reported.
  // A run that broke off with an error says nothing of its optimizer: it counts neither way.
  const ran = (m, run) => m.statuses[m.columns.status[run]] !== "error";

  const hits = (m, shown, selection) => {
    const found = m.optimizers.map(() => ({held: 0, count: 0}));
    const isMine = selection === "tuned" ? isTuned : isDefault;
    m.columns.id.forEach((_, run) => {
      if (!m.problems[m.columns.problem[run]].decision || !isMine(m, run) || !ran(m, run)) return;
      const mine = found[m.columns.optimizer[run]];
      mine.count += 1;
      mine.held += isFinite(m.columns.held[run]) ? 1 : 0;
    });
    return shown.map(o => found[o]);
  };

  // --- the spec of one run ---

  const spec = (m, run) => {
    const {problem, optimizer, role, seed} = m.columns;
    const lines = m.problems[problem[run]].spec, entry = m.optimizers[optimizer[run]].spec;
    if (!lines || !entry.name) return null;
    const setting = hypers(m, run);
    if (setting.some(([, value]) => value === null)) return null;
    const keys = [...entry.keys, ...setting.map(([, value], i) => `${entry.hypers[i]}: ${value}`)];
    const only = `only: {${m.only || m.roles[role[run]]}: ${seed[run]}}`;
    const title = `Run ${m.columns.id[run]} of ${m.name}: ${m.optimizers[optimizer[run]].name} on ${m.problems[problem[run]].name}`;
    return [
      `title: ${JSON.stringify(title.slice(0, 290))}`,
      `seeds: {${only}${m.experiment ? `, experiment: ${m.experiment}` : ""}}`,
      lines,
      "optimizers:",
      `  - ${entry.name}${keys.length ? `: {${keys.join(", ")}}` : ""}`,
      "",
    ].join("\n");
  };

  return {unpack, model, has, isEvaluated, isTuned, isDefault, hypers, find, quantile, known, meanRanks, profiles, hits, ran, spec};
})();
