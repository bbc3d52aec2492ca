"use strict";
// Operation × parameter value × engine: of every cell how many cases are in which state, as a bar and in signs.
const Matrix = {
  open: new Set(),

  draw(pairs, said) {
    const engines = this.engines(pairs, said);
    const counts = this.count(pairs);
    const ops = [...new Set(Model.cases.map((one) => one.op))].filter((op) => counts.has(op));
    if (!this.open.size && ops.length) this.open.add(ops[0]);
    const head = element("tr", { role: "row" }, element("th", { scope: "col", role: "columnheader" }, "operation, parameter"),
      ...engines.map((engine) => element("th", { scope: "col", role: "columnheader" }, engine)));
    const bodies = ops.map((op) => this.body(op, counts.get(op), engines, said, ops.length === 1));
    const caption = element("caption", { className: "unseen" }, "Cases by operation, parameter value and engine, counted by outcome");
    const table = element("table", { role: "table" }, caption, element("thead", { role: "rowgroup" }, head), ...bodies);
    table.style.setProperty("--engines", engines.length);
    const place = document.getElementById("table-of-states");
    const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
    place.replaceChildren(pairs.length ? table : "Nothing fits.");
    if (focused) document.getElementById(focused)?.focus();
  },

  // Engines that computed something; the reference's own checks are no engine of the matrix.
  engines(pairs, said) {
    const there = new Set(pairs.filter((pair) => !pair.case.check).map((pair) => pair.engine));
    return Model.engines.filter((engine) => there.has(engine) && (!said.engine || engine === said.engine));
  },

  // op -> "facet:value" (and "" for all) -> engine -> state -> how many cases.
  count(pairs) {
    const counts = new Map();
    const inside = (map, key) => {
      let found = map.get(key);
      if (!found) map.set(key, found = new Map());
      return found;
    };
    for (const { case: one, engine, state } of pairs) {
      if (one.check) continue;
      const rows = inside(counts, one.op);
      for (const key of this.keys(one)) {
        const cell = inside(inside(rows, key), engine);
        cell.set(state, (cell.get(state) ?? 0) + 1);
      }
    }
    return counts;
  },

  // The rows that a case counts in.
  keys(one) {
    one.keys ??= ["", ...Object.keys(Model.facets).filter((facet) => one[`facet ${facet}`] !== null)
      .map((facet) => `${facet}:${one[`facet ${facet}`]}`)];
    return one.keys;
  },

  body(op, rows, engines, said, alone) {
    const open = alone || this.open.has(op);
    const button = element("button", { type: "button", id: `op-${op}`, "aria-expanded": String(open) }, op);
    button.addEventListener("click", () => {
      if (this.open.has(op)) this.open.delete(op); else this.open.add(op);
      this.draw(Model.chosen(Address.read()), Address.read());
    });
    const title = element("th", { scope: "row", role: "rowheader" }, button);
    const first = element("tr", { role: "row", className: "op" }, title,
      ...engines.map((engine) => this.cell(rows.get("").get(engine), { ...said, view: "matrix", op, engine }, `${op}, ${engine}`)));
    return element("tbody", { role: "rowgroup" }, first, ...(open ? this.rows(op, rows, engines, said) : []));
  },

  rows(op, rows, engines, said) {
    const made = [];
    for (const [facet, values] of Object.entries(Model.facets)) {
      const there = values.filter((value) => rows.has(`${facet}:${value}`));
      if (there.length < 2 && !said.where) continue;  // one value says what all say
      there.forEach((value, place) => {
        const where = `${facet}:${value}`;
        const name = element("span", { className: place ? "facet again" : "facet" }, facet);
        const title = element("th", { scope: "row", role: "rowheader" }, name, " ", element("span", { className: "value" }, value));
        const cells = engines.map((engine) =>
          this.cell(rows.get(where).get(engine), { ...said, view: "matrix", op, where, engine }, `${op}, ${facet} ${value}, ${engine}`));
        made.push(element("tr", { role: "row", className: place ? "" : "begins" }, title, ...cells));
      });
    }
    return made;
  },

  cell(states, target, name) {
    const cell = element("td", { role: "cell" });
    cell.dataset.label = target.engine;
    if (!states) { cell.append(element("span", { className: "none" }, "·")); return cell; }
    const there = Model.states.filter((state) => states.has(state.name));
    const bar = element("span", { className: "bar", "aria-hidden": "true" }, ...there.map((state) => {
      const part = element("span", { className: state.name });
      part.style.flexGrow = states.get(state.name);
      return part;
    }));
    const signs = element("span", { className: "signs", "aria-hidden": "true" }, ...there.map((state) =>
      element("span", { className: `count-of ${state.name}` }, element("b", {}, state.sign), String(states.get(state.name)))));
    const said = there.map((state) => `${states.get(state.name)} ${state.title}`).join(", ");
    const link = element("a", { href: Address.of({ ...target, case: "" }), title: said, "aria-label": `${name}: ${said}` }, bar, signs);
    link.dataset.to = "cases-title";
    cell.append(link);
    return cell;
  },
};
