"""The one script of the report: the table of the top sorted, searched, and folded.

It has no data of its own: it works on the rows that are in the table. Those that are folded it
takes out of the page before the browser makes cells of them and lays them out, which for thousands
of rows takes seconds: where it stands it writes the begin of a comment, whose end stands after the
last row (`END`). Where it may not run, that is a comment without anything in it, and all rows stand
open. Rows hold no `-->`: in texts `>` is escaped.
"""

FOLDED_AFTER = 100

END = "<!-- -->"

SCRIPT = """
"use strict";
document.write("<" + "!--");
{
  const table = document.currentScript.closest("table");
  const make = (name, more) => Object.assign(document.createElement(name), more);
  const text = (row, at) => row.cells[at].textContent;
  const number = (row, at) => {
    const found = parseFloat(text(row, at).replaceAll(",", ""));
    return Number.isNaN(found) ? -Infinity : found;
  };
  const grouped = (count) => String(count).replace(/\\B(?=(\\d{3})+$)/g, ",");
  const order = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const names = [...heads.keys()].filter((at) => heads[at].classList.contains("name"));
  const first = [...body.rows];
  let rows = null; // all of them, once they are wanted
  let isOpen = false;

  const unfold = () => {
    if (rows) return;
    const folded = [...body.childNodes].find((node) => node.nodeType === Node.COMMENT_NODE);
    const rest = make("template", { innerHTML: folded.data });
    rows = [...first, ...rest.content.querySelectorAll("tr")];
  };

  const label = make("label", { textContent: "Find a customer " });
  const field = make("input", { type: "search", autocomplete: "off", spellcheck: false });
  const said = make("span");
  const more = make("button", { type: "button", className: "more" });
  said.setAttribute("role", "status");
  label.append(field);
  const tools = make("p", { className: "tools" });
  tools.append(label, said);
  table.parentElement.before(tools);
  table.parentElement.after(more);

  const show = () => {
    const wanted = field.value.trim().toLowerCase();
    if (wanted) unfold();
    const isFound = (row) => names.some((at) => text(row, at).toLowerCase().includes(wanted));
    const found = wanted ? rows.filter(isFound) : rows ?? first;
    const shown = isOpen ? found : found.slice(0, FOLDED_AFTER);
    const left = (wanted ? found.length : +table.dataset.rows) - shown.length;
    if (rows) body.replaceChildren(...shown);
    more.hidden = left === 0;
    more.textContent = `Show ${grouped(left)} more`;
    said.textContent = wanted ? `${grouped(found.length)} found` : "";
  };

  const sort = (head, at) => {
    unfold();
    const isText = head.classList.contains("text");
    const was = head.getAttribute("aria-sort");
    const isUp = was ? was === "descending" : isText || at === 0;
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
    const keys = new Map(rows.map((row) => [row, (isText ? text : number)(row, at)]));
    rows.sort((one, other) => (isUp ? 1 : -1) * order(keys.get(one), keys.get(other)));
    show();
  };

  const buttons = heads.map((head) => {
    const button = make("button", { type: "button" });
    button.append(...head.childNodes);
    head.append(button);
    return button;
  });
  show();
  document.addEventListener("DOMContentLoaded", () => {
    buttons.forEach((button, at) => button.addEventListener("click", () => sort(heads[at], at)));
    field.addEventListener("input", show);
    more.addEventListener("click", () => {
      isOpen = true;
      unfold();
      show();
    });
  });
}
""".replace("FOLDED_AFTER", str(FOLDED_AFTER))
