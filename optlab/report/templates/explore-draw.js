"use strict";
// Axes, lines and marks of the interactive part: SVG for what is read, a canvas for what is many.
const exploreDraw = (() => {
  const SPACE = "http://www.w3.org/2000/svg";
  const GLYPHS = {o: "●", s: "■", "^": "▲", D: "◆", v: "▼", P: "✚", X: "✖", "*": "★"};
  const RAISED = {"-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹"};

  const set = (node, attributes) => {
    for (const [key, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(key, value);
    return node;
  };
  const html = (name, attributes = {}, parent = null, text) => {
    const node = set(document.createElement(name), attributes);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  };
  const svg = (name, attributes = {}, parent = null, text) => {
    const node = set(document.createElementNS(SPACE, name), attributes);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  };

  // --- words for numbers ---

  const power = decade => decade >= -3 && decade <= 4 ? (10 ** decade).toLocaleString("en", {maximumFractionDigits: 4})
    : `10${[...String(decade)].map(sign => RAISED[sign]).join("")}`;
  const brief = (value, digits = 3) => {
    if (Number.isNaN(value)) return "–";
    if (!isFinite(value)) return "∞";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size < 1e-3 || size >= 1e7) return value.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e");
    return Number(value.toPrecision(Math.max(digits, Math.min(7, Math.ceil(Math.log10(size)))))).toLocaleString("en", {maximumFractionDigits: 6});
  };

  // --- colours ---

  const isDark = () => (document.documentElement.dataset.scheme
    || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const color = look => isDark() ? look.night : look.day;
  const variable = name => getComputedStyle(probe(name)).color;
  let tester = null;
  const probe = name => {
    tester ||= html("span", {hidden: "", "aria-hidden": "true"}, document.body);
    tester.style.color = `var(--${name})`;
    return tester;
  };

  // --- scales ---

  // From a value to a place between 0 and 1 and back. On a logarithm what is not above the lowest
  // value stands on the edge.
  const scale = (low, high, log) => {
    if (!(high > low)) [low, high] = log ? [low / 2, low * 2] : [low - .5, low + .5];
    const a = log ? Math.log10(low) : low, b = log ? Math.log10(high) : high;
    const place = value => log ? (value <= low ? 0 : (Math.log10(value) - a) / (b - a)) : (value - a) / (b - a);
    const value = share => log ? 10 ** (a + share * (b - a)) : a + share * (b - a);
    return {low, high, log, place, value, ticks: most => log ? decades(a, b, most) : even(low, high, most)};
  };
  const decades = (a, b, most) => {
    const first = Math.ceil(a - 1e-9), last = Math.floor(b + 1e-9), every = Math.max(1, Math.ceil((last - first + 1) / most));
    const out = [];
    for (let d = first; d <= last; d += 1) if (d % every === 0) out.push([10 ** d, power(d)]);
    if (out.length > 1) return out;
    return [1, 2, 5].flatMap(f => [...Array(last - first + 3).keys()].map(i => f * 10 ** (first - 1 + i)))
      .filter(v => Math.log10(v) >= a - 1e-9 && Math.log10(v) <= b + 1e-9).sort((x, y) => x - y).map(v => [v, brief(v)]);
  };
  const even = (low, high, most) => {
    const rough = (high - low) / Math.max(most, 1), unit = 10 ** Math.floor(Math.log10(rough));
    const step = unit * [1, 2, 5, 10].find(f => f * unit >= rough);
    const out = [];
    for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * 1e-9; v += step) out.push([v, brief(Math.abs(v) < step / 1e6 ? 0 : v, 4)]);
    return out;
  };

  // --- a chart: canvas below, axes above it ---

  const chart = (host, label, {ratio = .56, most = 460, left = 62, right = 28, top = 10, bottom = 44} = {}) => {
    const box = html("div", {class: "chart"}, host);
    const canvas = html("canvas", {"aria-hidden": "true"}, box);
    const axes = svg("svg", {role: "img", "aria-label": label}, box);
    const self = {box, canvas, axes, label, x: null, y: null, width: 0, height: 0, inner: null, context: null};
    self.prepare = (x, y, names) => {
      const width = Math.max(260, Math.floor(box.clientWidth)), height = Math.round(Math.max(230, Math.min(most, width * ratio)));
      const fine = window.devicePixelRatio || 1;
      Object.assign(self, {x, y, width, height, inner: {left, top, width: width - left - right, height: height - top - bottom}});
      Object.assign(canvas, {width: width * fine, height: height * fine});
      canvas.style.width = `${width}px`; canvas.style.height = `${height}px`;
      set(axes, {viewBox: `0 0 ${width} ${height}`, width, height});
      axes.replaceChildren();
      self.context = canvas.getContext("2d");
      self.context.setTransform(fine, 0, 0, fine, 0, 0);
      if (x && y) frame(self, names);
    };
    self.px = value => self.inner.left + self.inner.width * self.x.place(value);
    self.py = value => self.inner.top + self.inner.height * (1 - self.y.place(value));
    return self;
  };

  const frame = (c, names) => {
    const {left, top, width, height} = c.inner;
    for (const [value, text] of c.x.ticks(Math.max(2, Math.floor(width / 80)))) {
      const x = c.px(value);
      svg("path", {d: `M${x} ${top}v${height}`, class: "grid"}, c.axes);
      svg("text", {x, y: top + height + 16, class: "tick middle"}, c.axes, text);
    }
    for (const [value, text] of c.y.ticks(Math.max(2, Math.floor(height / 34)))) {
      const y = c.py(value);
      svg("path", {d: `M${left} ${y}h${width}`, class: "grid"}, c.axes);
      svg("text", {x: left - 7, y: y + 4, class: "tick end"}, c.axes, text);
    }
    svg("path", {d: `M${left} ${top}v${height}h${width}`, class: "axis"}, c.axes);
    svg("text", {x: left + width / 2, y: top + height + 36, class: "name middle"}, c.axes, names.x);
    svg("text", {x: 0, y: 0, transform: `translate(13 ${top + height / 2}) rotate(-90)`, class: "name middle"}, c.axes, names.y);
  };

  const clipped = (c, draw) => {
    const {left, top, width, height} = c.inner;
    c.context.save();
    c.context.beginPath();
    c.context.rect(left - 1, top - 1, width + 2, height + 2);
    c.context.clip();
    draw(c.context);
    c.context.restore();
  };

  const trace = (context, points) => {
    context.beginPath();
    let pen = false;
    for (const [x, y] of points) {
      if (Number.isNaN(x) || Number.isNaN(y)) { pen = false; continue; }
      if (pen) context.lineTo(x, y); else context.moveTo(x, y);
      pen = true;
    }
    context.stroke();
  };

  const glyph = (context, look, x, y, size = 11) => {
    context.font = `${size}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(GLYPHS[look.marker] ?? "●", x, y);
  };

  // How far a point lies from a line of points, at the pieces near it.
  const distance = (points, x, y) => {
    let least = Infinity, where = 0;
    for (let i = 0; i < points.length; i += 1) {
      const [x1, y1] = points[i], [x0, y0] = points[Math.max(0, i - 1)];
      if (Math.min(x0, x1) - 30 > x || Math.max(x0, x1) + 30 < x) continue;
      const dx = x1 - x0, dy = y1 - y0, length = dx * dx + dy * dy;
      const t = length ? Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) / length)) : 0;
      const away = Math.hypot(x0 + t * dx - x, y0 + t * dy - y);
      if (away < least) [least, where] = [away, t < .5 ? Math.max(0, i - 1) : i];
    }
    return [least, where];
  };

  return {html, svg, brief, color, variable, isDark, scale, chart, clipped, trace, glyph, distance, GLYPHS};
})();
