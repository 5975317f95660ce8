// The list of reports: search as one types, and order. The page can be read without it.
"use strict";
(() => {
  const form = document.querySelector(".find");
  const field = document.getElementById("find");
  const order = document.getElementById("sort");
  const told = document.getElementById("found");
  const none = document.getElementById("none");
  const list = document.getElementById("reports");

  // Without capitals and accents, so that `poincare` finds Poincaré.
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  const reports = [...list.children].map((item, place) => {
    const folded = item.querySelector("details");
    return {
      item, place, folded,
      text: plain(item.textContent.replace(/\s+/g, " ")),
      open: plain([...item.querySelectorAll("h2, h2 ~ p")].map((p) => p.textContent).join(" ").replace(/\s+/g, " ")),
      opened: false,
    };
  });
  const last = (key) => (a, b) => Number(b.item.dataset[key]) - Number(a.item.dataset[key]) || a.place - b.place;
  const names = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const orders = {
    date: (a, b) => a.place - b.place,
    name: (a, b) => names.compare(a.item.dataset.name, b.item.dataset.name) || a.place - b.place,
    runs: last("runs"),
    size: last("size"),
  };

  const count = (n) => `${n.toLocaleString("en")} report${n === 1 ? "" : "s"}`;

  function search() {
    const typed = field.value.trim();
    const words = plain(typed).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const report of reports) {
      const fits = words.every((word) => report.text.includes(word));
      report.item.hidden = !fits;
      shown += fits;
      unfold(report, fits && words.some((word) => !report.open.includes(word)));
    }
    none.hidden = shown > 0;
    none.textContent = `No report matches “${typed}”.`;
    told.textContent = words.length ? `${shown.toLocaleString("en")} of ${count(reports.length)}` : count(reports.length);
  }

  // What was found among names that are folded away is shown; what the reader unfolded stays so.
  function unfold(report, wanted) {
    if (!report.folded) return;
    if (wanted && !report.folded.open) {
      report.folded.open = report.opened = true;
    } else if (!wanted && report.opened) {
      report.folded.open = report.opened = false;
    }
  }

  function sort() {
    const at = document.activeElement;
    list.append(...[...reports].sort(orders[order.value]).map((report) => report.item));
    if (at && at !== document.activeElement) at.focus();
  }

  // The address keeps what was asked, so that going back from a report finds the list as it was.
  function keep() {
    const asked = new URLSearchParams();
    if (field.value.trim()) asked.set("find", field.value.trim());
    if (order.value !== "date") asked.set("sort", order.value);
    const text = asked.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  }

  function recall() {
    const asked = new URLSearchParams(location.hash.slice(1));
    field.value = asked.get("find") ?? "";
    order.value = Object.hasOwn(orders, asked.get("sort") ?? "") ? asked.get("sort") : "date";
    sort();
    search();
  }

  const links = () => reports
    .filter((report) => !report.item.hidden)
    .map((report) => report.item)
    .sort((a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1))
    .map((item) => item.querySelector("h2 a"))
    .filter(Boolean);

  // Up and down go from report to report, and from the field to the first; a select keeps its own.
  function step(event) {
    const ways = { ArrowDown: 1, ArrowUp: -1 };
    const all = links();
    const at = all.indexOf(document.activeElement);
    if (at < 0 && !(document.activeElement === field && event.key === "ArrowDown")) return;
    event.preventDefault();
    const next = at + ways[event.key];
    if (next < 0) field.focus();
    else all[Math.min(next, all.length - 1)]?.focus();
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      field.focus();
      field.select();
    } else if (event.key === "Escape" && field.value && document.activeElement !== order) {
      event.preventDefault();
      field.value = "";
      search();
      keep();
      field.focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      step(event);
    }
  });
  field.addEventListener("input", () => { search(); keep(); });
  order.addEventListener("change", () => { sort(); keep(); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    links()[0]?.focus();
  });
  addEventListener("hashchange", recall);
  form.hidden = false;
  recall();
})();
