"use strict";
const page = JSON.parse(document.getElementById("page").textContent);
const find = (id) => document.getElementById(id);
const fields = [...document.querySelectorAll("input[data-line]")];
const name = find("student"); // only where the sheet is nobody's yet

// A text as one YAML scalar that reads back unchanged: as it is where YAML allows that, else quoted.
function scalar(typed) {
  const text = typed.replace(/\p{Cs}/gu, "\ufffd"); // half a character cannot be written to a file
  if (/^\s*$/.test(text)) return "";
  const unseen = /[\p{Cc}\p{Zl}\p{Zp}\ufeff\ufffe\uffff]/gu;
  if (text.search(unseen) >= 0) {
    const code = (sign) => "\\u" + sign.charCodeAt(0).toString(16).padStart(4, "0");
    return JSON.stringify(text).replace(unseen, code);
  }
  const begins = /^(?:[^\s\-?:,[\]{}#&*!|>'"%@`=<~]|-(?=[^\s-]))/u.test(text);
  const breaks = /: |:$| #|\s$/.test(text) || /^(?:null|true|false|yes|no|on|off)$/i.test(text);
  return begins && !breaks ? text : "'" + text.replaceAll("'", "''") + "'";
}

function written() {
  const student = name ? name.value : page.student;
  const lines = page.head.map((line) => "# " + line);
  lines.push(("student: " + scalar(student)).trimEnd(), "sheet: " + scalar(page.sheet), "handwritten:");
  let optimizer = "", step = "";
  for (const field of fields) {
    const place = field.dataset;
    if (place.optimizer !== optimizer) {
      lines.push("  " + place.optimizer + ":");
      step = "";
    }
    if (place.step !== step) lines.push("    " + place.step + ":");
    optimizer = place.optimizer;
    step = place.step;
    const value = scalar(field.value);
    lines.push("      " + place.line + ":" + (value ? " " + value : ""));
  }
  return lines.join("\n") + "\n";
}

// What was typed is kept in this browser where it may be; where it may not, the form works as well.
const drawer = "optlab " + page.sheet;

function keep() {
  try {
    const values = fields.map((field) => field.value);
    localStorage.setItem(drawer, JSON.stringify({ name: name ? name.value : "", values }));
  } catch (refused) {
    find("count").dataset.kept = "no";
  }
}

function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(drawer));
    if (!kept || kept.values.length !== fields.length) return;
    fields.forEach((field, i) => (field.value = String(kept.values[i])));
    if (name) name.value = String(kept.name);
  } catch (refused) {
    find("count").dataset.kept = "no";
  }
}

function show() {
  const filled = fields.filter((field) => field.value.trim()).length;
  find("count").textContent = filled + " of " + fields.length + " lines are filled in.";
  find("yaml").value = written();
}

function say(text) {
  find("said").textContent = text;
}

function save() {
  const link = document.createElement("a");
  const file = name && name.value.trim() ? name.value.trim().replace(/[^\p{L}\p{N}]+/gu, "-") + ".yaml" : page.file;
  link.href = URL.createObjectURL(new Blob([written()], { type: "application/yaml" }));
  link.download = file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  say("Saved as " + file + ". Hand in that file.");
}

async function copy() {
  try {
    await navigator.clipboard.writeText(written());
    say("Copied.");
  } catch (refused) {
    find("yaml").focus();
    find("yaml").select();
    say("The text is marked; copy it with your keyboard.");
  }
}

function clear() {
  if (!confirm("Empty all lines?")) return;
  fields.forEach((field) => (field.value = ""));
  keep();
  show();
  say("The form is empty.");
}

find("form").addEventListener("submit", (event) => event.preventDefault());
addEventListener("input", () => {
  keep();
  show();
});
fields.forEach((field, i) =>
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    (fields[i + 1] || find("save")).focus();
  }),
);
find("save").addEventListener("click", save);
find("copy").addEventListener("click", copy);
find("clear").addEventListener("click", clear);
recall();
show();
