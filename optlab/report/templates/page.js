"use strict";
// What a reader may do with a page: sort, filter and save its tables, save its figures, copy its text,
// choose light or dark, find the way. Without a script everything is there to be read; so every control
// is made here. Texts enter as text only.
(() => {
  const root = document.documentElement;
  const all = (query, within = document) => [...within.querySelectorAll(query)];
  const make = (name, attributes = {}, text = "") => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.textContent = text;
    return node;
  };
  const button = (text, act, attributes = {}) => {
    const node = make("button", {type: "button", ...attributes}, text);
    node.addEventListener("click", act);
    return node;
  };

  // --- saving ---

  const save = (blob, name) => {
    const link = make("a", {href: URL.createObjectURL(blob), download: name});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const saveText = (text, name, kind) => save(new Blob([text], {type: `${kind};charset=utf-8`}), name);

  // Files that the page carries: gzip of a JSON object, unpacked when the first one is asked for.
  const packed = document.getElementById("files");
  const names = new Set(packed && "DecompressionStream" in window ? packed.dataset.names.split(" ") : []);
  let unpacked = null;
  const file = async name => {
    unpacked ||= (async () => {
      const bytes = Uint8Array.from(atob(packed.textContent.trim()), sign => sign.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      return JSON.parse(await new Response(stream).text());
    })();
    return (await unpacked)[name];
  };

  // --- tables ---

  const NUMBER = /^[^\d.∞]*?([-−]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:e[-+−]?\d+)?)/i;
  const MARKS = /[\u2066-\u2069]/g;  // what sets words of another direction apart on the page
  const plain = cell => {
    const copy = cell.cloneNode(true);
    all(".mark, .small", copy).forEach(node => node.remove());
    return copy.textContent.replace(MARKS, "").replace(/\s+/g, " ").trim();
  };
  const written = cell => cell.dataset.value?.replace(MARKS, "") ?? plain(cell);
  const WORDS = {inf: Infinity, "-inf": -Infinity, "∞": Infinity, nan: NaN, "": NaN};
  const number = cell => {
    const text = written(cell);
    if (text in WORDS) return WORDS[text];
    if (cell.dataset.value !== undefined) return Number(text);
    const found = NUMBER.exec(text);
    return found ? Number(found[1].replace(/,/g, "").replace(/−/g, "-")) : Infinity;  // "never"
  };
  const collator = new Intl.Collator("en", {numeric: true});

  // What stands in a column of each row as numbers, or as texts unless all of it is numbers.
  const keys = (rows, column, isNumber) => {
    const cells = rows.map(row => row.cells[column]);
    const read = cells.map(number);
    const whole = isNumber || cells.every((cell, i) =>
      cell.dataset.value === undefined ? written(cell) === "" : !Number.isNaN(read[i]) || cell.dataset.value === "nan");
    return whole ? read : cells.map(written);
  };
  // An endless time is larger than any other; what is missing stands last, whichever way is sorted.
  const compared = (a, b, sign) => {
    const lacks = key => key === "" || Number.isNaN(key);
    if (lacks(a) || lacks(b)) return lacks(a) - lacks(b);
    return sign * (typeof a === "number" ? (a === b ? 0 : a < b ? -1 : 1) : collator.compare(a, b));
  };

  // CSV as it was written for the folder, to lists of texts and back.
  const read = text => {
    const lines = [[]];
    for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
      lines[lines.length - 1].push(quoted === undefined ? plain : quoted.replace(/""/g, '"'));
      if (end === "\n") lines.push([]);
    }
    return lines.slice(0, -1);
  };
  const quoted = text => /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;

  const equip = table => {
    const heads = [...table.tHead.rows[0].cells];
    const titles = heads.map(plain);
    // A group is a body: its heading, if it has one, and its rows; a row without a first text belongs
    // to the one above it.
    const groups = [...table.tBodies].map(body => {
      const rows = [...body.rows];
      const heading = rows[0]?.cells[0]?.classList.contains("group") ? rows.shift() : null;
      const stacks = [];
      for (const row of rows)
        if (stacks.length && !written(row.cells[0])) stacks[stacks.length - 1].push(row);
        else stacks.push([row]);
      return {body, heading, rows, stacks, name: heading ? plain(heading.cells[0]) : ""};
    });
    const count = groups.reduce((sum, group) => sum + group.rows.length, 0);

    const sort = (column, way) => {
      const isNumber = heads[column].classList.contains("number");
      for (const {body, stacks} of groups) {
        const found = keys(stacks.map(stack => stack[0]), column, isNumber);
        const order = stacks.map((stack, i) => ({stack, key: found[i]}));
        if (way) order.sort((a, b) => compared(a.key, b.key, way === "ascending" ? 1 : -1));
        body.append(...order.flatMap(({stack}) => stack));
      }
      for (const head of heads) head.removeAttribute("aria-sort");
      if (way) heads[column].setAttribute("aria-sort", way);
    };
    const NEXT = {ascending: "descending", descending: ""};
    if (count > 1)
      heads.forEach((head, column) => {
        if (!titles[column]) return;
        const turn = button("", () => sort(column, NEXT[head.getAttribute("aria-sort")] ?? "ascending"),
                            {class: "sort"});
        turn.append(...head.childNodes);
        head.append(turn);
      });

    const tools = make("div", {class: "tools", role: "group", "aria-label": `Tools for the table ${table.dataset.name}`});
    const told = make("span", {role: "status", class: "small"});
    if (count > 8) {
      const field = make("input", {type: "search", placeholder: "Filter rows", "aria-label": `Filter the rows of ${table.dataset.name}`});
      field.addEventListener("input", () => {
        const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
        let shown = 0;
        for (const {body, heading, stacks, name} of groups) {
          let any = false;
          for (const stack of stacks) {
            const text = `${name} ${stack.map(row => row.textContent).join(" ")}`.toLowerCase();
            const fits = words.every(word => text.includes(word));
            for (const row of stack) row.hidden = !fits;
            if (fits) shown += stack.length;
            any ||= fits;
          }
          if (heading) heading.hidden = !any;
        }
        told.textContent = words.length ? `${shown} of ${count} rows` : "";
      });
      tools.append(field);
    }
    const hidden = new Set();
    if (heads.length > 3) {
      const menu = make("details", {class: "menu"});
      const choices = make("div", {class: "choices"});
      menu.append(make("summary", {}, "Columns"), choices);
      heads.forEach((head, column) => {
        if (!column) return;
        const box = make("input", {type: "checkbox"});
        box.checked = true;
        box.addEventListener("change", () => {
          if (box.checked) hidden.delete(column);
          else hidden.add(column);
          head.hidden = !box.checked;
          for (const {heading, rows} of groups) {
            if (heading) heading.cells[0].colSpan = heads.length - hidden.size;
            for (const row of rows) row.cells[column].hidden = !box.checked;
          }
        });
        const label = make("label");
        label.append(box, ` ${titles[column] || `column ${column + 1}`}`);
        choices.append(label);
      });
      tools.append(menu);
    }
    const stem = table.dataset.name;
    // The rows and columns shown of the file; what a column has beside it there goes with it.
    const shown = text => {
      const [head, ...lines] = read(text);
      const away = [...hidden].map(column => titles[column]);
      const kept = head.map((_, i) => i).filter(i => {
        const name = head[i].replace(/\s+/g, " ").trim();
        return !away.some(title => title === name || name.startsWith(`${title}, `));
      });
      const places = new Map(groups.flatMap(group => group.rows).map((row, i) => [row, i]));
      const rows = groups.flatMap(({body}) => [...body.rows]).filter(row => places.has(row) && !row.hidden);
      return [head, ...rows.map(row => lines[places.get(row)])]
        .map(line => `${kept.map(i => quoted(line[i])).join(",")}\n`).join("");
    };
    const csv = `tables/${stem}.csv`;
    if (names.has(csv))
      tools.append(button("CSV", async () => saveText(shown(await file(csv)), `${stem}.csv`, "text/csv"),
                          {title: "Save the rows and columns shown"}));
    const tex = `tables/${stem}.tex`;
    if (names.has(tex))
      tools.append(button("LaTeX", async () => saveText(await file(tex), `${stem}.tex`, "text/x-tex"),
                          {title: "Save the whole table for a paper"}));
    tools.append(told);
    table.closest(".scroll").before(tools);
  };
  all("table[data-name]").forEach(equip);

  // --- light and dark ---

  // A picture is an address of text; its question for the reader's scheme is answered in it.
  const ASKED = /\(prefers-color-scheme:( |%20)*dark\)/g;
  const answered = (text, scheme) => scheme === "auto" ? text : text.replace(ASKED, scheme === "dark" ? "all" : "not all");
  const pictures = all(".picture img").map(image => ({image, source: image.getAttribute("src")}));
  let scheme = "auto";
  const show = chosen => {
    for (const {image, source} of pictures) {
      const wanted = answered(source, chosen);
      if (image.getAttribute("src") !== wanted) image.setAttribute("src", wanted);
    }
  };
  const choose = chosen => {
    scheme = chosen;
    if (scheme === "auto") delete root.dataset.scheme;
    else root.dataset.scheme = scheme;
    show(scheme);
  };
  const header = document.querySelector("body > header");
  if (header) {
    const label = make("label", {class: "scheme"}, "Colours ");
    const select = make("select");
    for (const [value, text] of [["auto", "as the system"], ["light", "light"], ["dark", "dark"]])
      select.append(make("option", {value}, text));
    select.addEventListener("change", () => choose(select.value));
    label.append(select);
    header.append(label);
  }

  // --- figures ---

  const DARK = "#15181c";
  const drawing = source => decodeURIComponent(source.slice(source.indexOf(",") + 1));
  const png = async (source, chosen, name) => {
    const image = new Image();
    image.src = answered(source, chosen);
    await image.decode();
    const canvas = make("canvas");
    const scale = 2;  // sharp on a slide
    canvas.width = image.naturalWidth * scale;
    canvas.height = image.naturalHeight * scale;
    const pen = canvas.getContext("2d");
    pen.fillStyle = chosen === "dark" ? DARK : "#ffffff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(blob => save(blob, name), "image/png");
  };
  for (const {image, source} of pictures) {
    const stem = image.dataset.name;
    const menu = make("details", {class: "menu save"});
    const choices = make("div", {class: "choices"});
    menu.append(make("summary", {"aria-label": `Save the figure ${stem}`}, "Save"), choices);
    choices.append(
      button("SVG", () => saveText(drawing(source), `${stem}.svg`, "image/svg+xml")),
      button("PNG, on white", () => png(source, "light", `${stem}.png`)),
      button("PNG, on black", () => png(source, "dark", `${stem}-dark.png`)),
    );
    const data = `figures/${stem}.csv`;
    if (names.has(data))
      choices.append(button("Data (CSV)", async () => saveText(await file(data), `${stem}.csv`, "text/csv")));
    (image.closest(".wide") || image).after(menu);
  }
  // A menu closes when something else is chosen.
  const close = but => all("details.menu[open]").forEach(menu => { if (!menu.contains(but)) menu.open = false; });
  document.addEventListener("click", event => close(event.target));
  document.addEventListener("keydown", event => {
    if (event.key !== "Escape") return;
    const menu = document.activeElement?.closest?.("details.menu[open]");
    close(null);
    menu?.querySelector("summary").focus();
  });

  // --- text ---

  const copied = async text => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {  // not allowed for a file, or too old: the way that was there before
      const field = make("textarea", {class: "away"});
      field.value = text;
      document.body.append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      return done;
    }
  };
  for (const block of all("pre")) {
    const frame = make("div", {class: "copied"});
    block.replaceWith(frame);
    const turn = button("Copy", async () => {
      turn.textContent = await copied(block.textContent) ? "Copied" : "Select and copy it";
      setTimeout(() => { turn.textContent = "Copy"; }, 2000);
    }, {class: "copy", "aria-live": "polite"});
    frame.append(block, turn);
  }

  // --- the way through the page ---

  const unfold = node => {
    for (let fold = node?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  };
  const arrive = () => {
    let id = location.hash.slice(1);
    try { id = decodeURIComponent(id); } catch { /* a stray percent sign: the address as it stands */ }
    const target = id && document.getElementById(id);
    if (!target) return;
    unfold(target);
    target.scrollIntoView();
  };
  addEventListener("hashchange", arrive);
  arrive();

  const contents = document.querySelector("nav details");
  if (contents) {
    const wide = matchMedia("(min-width: 68rem)");
    const fit = () => { contents.open = wide.matches; };
    wide.addEventListener("change", fit);
    fit();
    const links = new Map(all("a", contents).map(link => [link.hash.slice(1), link]));
    const sections = [...links.keys()].map(id => document.getElementById(id)).filter(Boolean);
    const here = contents.querySelector("summary .where");
    const seen = new Set();
    const mark = () => {
      const current = sections.filter(section => seen.has(section)).pop();
      if (!current) return;
      for (const [id, link] of links)
        if (id === current.id) link.setAttribute("aria-current", "location");
        else link.removeAttribute("aria-current");
      const link = links.get(current.id);
      here.textContent = link.textContent;
      if (wide.matches) {  // the list follows; the page stays
        const list = contents.parentElement;
        const low = link.offsetTop - list.clientHeight + 60, high = link.offsetTop - 40;
        if (list.scrollTop < low || list.scrollTop > high) list.scrollTop = Math.max(0, (low + high) / 2);
      }
    };
    const watch = new IntersectionObserver(entries => {
      for (const {target, isIntersecting} of entries) seen[isIntersecting ? "add" : "delete"](target);
      mark();
    }, {rootMargin: "-15% 0px -80% 0px"});
    sections.forEach(section => watch.observe(section));
    contents.addEventListener("click", event => {
      if (event.target.closest("a") && !wide.matches) contents.open = false;
    });
  }

  // --- print: on white, with nothing folded ---

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("main details:not(.menu):not([open])");
    for (const fold of folded) fold.open = true;
    show("auto");  // on paper the page is light, and a picture follows it
  });
  addEventListener("afterprint", () => {
    for (const fold of folded) fold.open = false;
    show(scheme);
  });

  root.classList.add("scripted");
})();
