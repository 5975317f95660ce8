"use strict";
// The walks of a problem in step, beside their losses. Everything it draws stands in the page as data;
// texts enter as text nodes only.
(() => {
  const GLYPHS = {o: "●", s: "■", "^": "▲", D: "◆", v: "▼", P: "✚", X: "✖", "*": "★"};
  const SIDE = 1000;
  const SPACE = "http://www.w3.org/2000/svg";

  const svg = (name, attributes, parent, text) => {
    const node = document.createElementNS(SPACE, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  };
  const html = (name, attributes, parent, text) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  };
  const brief = value => value === null ? "not finite"
    : value === 0 ? "0"
    : Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5 ? String(Number(value.toPrecision(3)))
    : value.toExponential(1).replace("e+", "e");
  const RAISED = {"-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹"};
  const power = decade => decade >= -3 && decade <= 3 ? String(Number(`1e${decade}`))
    : `10${[...String(decade)].map(sign => RAISED[sign]).join("")}`;
  const inside = value => Math.min(SIDE, Math.max(0, value));
  const isAway = (x, y) => x === null || y === null || x !== inside(x) || y !== inside(y);

  // A drawing of one problem: `show(frame)` moves everything to that point of the walk.
  const drawing = (data, box) => {
    const [low, top] = data.decades;
    const last = data.steps[data.steps.length - 1] || 1;
    const across = step => SIDE * step / last;
    const up = loss => loss === null ? null
      : loss <= 0 ? SIDE : SIDE * (top - Math.log10(loss)) / (top - low);

    const plane = svg("svg", {viewBox: "-90 -40 1130 1150", role: "img",
                              "aria-label": `Walks on ${data.name}`}, box);
    const clip = `clip-${Math.random().toString(36).slice(2)}`;
    svg("rect", {width: SIDE, height: SIDE}, svg("clipPath", {id: clip}, svg("defs", {}, plane)));
    for (const path of data.contours) svg("path", {d: path, class: "contour"}, plane);
    svg("rect", {width: SIDE, height: SIDE, class: "frame"}, plane);
    for (const [x, y] of data.minima) svg("path", {d: `M${x - 22} ${y}h44M${x} ${y - 22}v44`, class: "minimum"}, plane);
    const [left, right, bottom, above] = data.window.map(brief);
    svg("text", {x: 0, y: 1045, class: "tick"}, plane, left);
    svg("text", {x: SIDE, y: 1045, class: "tick end"}, plane, right);
    svg("text", {x: SIDE / 2, y: 1060, class: "tick middle"}, plane, data.axes[0]);
    svg("text", {x: -12, y: SIDE, class: "tick end"}, plane, bottom);
    svg("text", {x: -12, y: 26, class: "tick end"}, plane, above);
    svg("text", {x: -12, y: SIDE / 2, class: "tick end"}, plane, data.axes[1]);

    const chart = svg("svg", {viewBox: "-130 -40 1170 1150", role: "img",
                              "aria-label": `The loss of each walk on ${data.name}`}, box);
    const every = Math.max(1, Math.ceil((top - low) / 6));
    for (let decade = top; decade >= low; decade -= every) {
      const y = SIDE * (top - decade) / (top - low);
      svg("path", {d: `M0 ${y}H${SIDE}`, class: "grid"}, chart);
      svg("text", {x: -14, y: y + 10, class: "tick end"}, chart, power(decade));
    }
    svg("path", {d: `M0 0V${SIDE}H${SIDE}`, class: "frame"}, chart);
    svg("text", {x: 0, y: 1045, class: "tick"}, chart, "0");
    svg("text", {x: SIDE, y: 1045, class: "tick end"}, chart, String(last));
    svg("text", {x: SIDE / 2, y: 1060, class: "tick middle"}, chart, "updates");
    svg("text", {x: 0, y: -14, class: "tick"}, chart, data.quantity);
    const chartClip = `${clip}-chart`;
    svg("rect", {y: -4, width: SIDE, height: SIDE + 8}, svg("clipPath", {id: chartClip}, svg("defs", {}, chart)));

    const legend = html("p", {class: "small"});
    box.after(legend);
    const movers = data.runs.map(run => {
      const style = `--day: ${run.day}; --night: ${run.night}`;
      const glyph = GLYPHS[run.marker];
      const key = html("span", {class: "mover whole", style}, legend);
      html("span", {"aria-hidden": "true"}, key, `${glyph} `);
      key.append(run.name);
      legend.append(" ");
      const walk = svg("g", {class: "mover", style}, plane);
      const curve = svg("g", {class: "mover", style}, chart);
      return {
        run,
        trail: svg("path", {class: "trail", "stroke-dasharray": run.dash, "clip-path": `url(#${clip})`}, walk),
        mark: svg("text", {class: "here"}, walk, glyph),
        line: svg("path", {class: "trail", "stroke-dasharray": run.dash, "clip-path": `url(#${chartClip})`}, curve),
        point: svg("text", {class: "here"}, curve, glyph),
      };
    });
    // A ring where they start, mostly one for all.
    const starts = new Set(data.runs.filter(run => !isAway(run.x[0], run.y[0])).map(run => `${run.x[0]} ${run.y[0]}`));
    for (const start of starts) {
      const [cx, cy] = start.split(" ");
      svg("circle", {cx, cy, r: 16, class: "start"}, plane);
    }

    const through = (xs, ys, frame) => {
      let path = "", pen = "M";
      for (let i = 0; i <= frame; i++) {
        if (xs[i] === null || ys[i] === null) break;
        path += `${pen}${xs[i]} ${ys[i]}`;
        pen = "L";
      }
      return path;
    };
    // A mark beyond the edge waits at it; one that is nowhere any more, where it was seen last.
    const place = (node, xs, ys, frame) => {
      let seen = frame;
      while (seen > 0 && (xs[seen] === null || ys[seen] === null)) seen--;
      node.setAttribute("x", inside(xs[seen]));
      node.setAttribute("y", inside(ys[seen]));
      node.classList.toggle("away", isAway(xs[frame], ys[frame]));
    };
    const steps = data.steps.map(across);
    for (const mover of movers) mover.heights = mover.run.loss.map(up);
    return frame => {
      for (const {run, heights, trail, mark, line, point} of movers) {
        trail.setAttribute("d", through(run.x, run.y, frame));
        place(mark, run.x, run.y, frame);
        line.setAttribute("d", through(steps, heights, frame));
        place(point, steps, heights, frame);
      }
    };
  };

  const told = (data, frame) => `Step ${data.steps[frame]} of ${data.steps[data.steps.length - 1]}: `
    + data.runs.map(run => `${run.name} ${brief(run.loss[frame])}`
      + (isAway(run.x[frame], run.y[frame]) ? " (outside the picture)" : "")).join(", ");

  const animate = figure => {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const caption = figure.querySelector("figcaption");
    const box = html("div", {class: "pictures"});
    caption.before(html("p", {class: "name"}, null, data.name));
    caption.before(box);
    const show = drawing(data, box);
    const controls = html("div", {class: "controls"});
    caption.before(controls);
    const play = html("button", {type: "button"}, controls, "Play");
    const label = html("label", {}, controls, "Step ");
    const slider = html("input", {type: "range", min: 0, max: data.steps.length - 1, step: 1, value: 0}, label);
    const pace = html("select", {}, html("label", {}, controls, "Speed "));
    for (const [text, value] of [["slow", 4], ["usual", 12], ["fast", 36]])
      html("option", {value}, pace, text);
    pace.value = "12";
    const status = html("p", {class: "small", role: "status", "aria-live": "polite"});
    controls.after(status);
    let timer = 0;

    const go = frame => {
      slider.value = frame;
      slider.setAttribute("aria-valuetext", `step ${data.steps[frame]}`);
      show(frame);
      status.textContent = told(data, frame);
    };
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      play.textContent = "Play";
      status.setAttribute("aria-live", "polite");
    };
    const start = () => {
      if (Number(slider.value) === data.steps.length - 1) go(0);
      play.textContent = "Pause";
      status.setAttribute("aria-live", "off");  // a step is told when it stands still
      timer = setInterval(() => {
        const next = Number(slider.value) + 1;
        if (next >= data.steps.length) stop();
        else go(next);
      }, 1000 / Number(pace.value));
    };
    play.addEventListener("click", () => timer ? stop() : start());
    slider.addEventListener("input", () => { stop(); go(Number(slider.value)); });
    pace.addEventListener("change", () => { if (timer) { stop(); start(); } });
    go(data.steps.length - 1);
    figure.hidden = false;
  };

  for (const figure of document.querySelectorAll("figure.moving")) animate(figure);
})();
