"use strict";
// The cases that the filters leave, one a row, with every engine's sign; Tabulator draws only those that are in sight.
const List = {
  table: null, narrow: null, ready: null,
  filled: null, // when the rows that were given last stand there

  draw(pairs) {
    const byCase = new Map();
    for (const pair of pairs) {
      if (!byCase.has(pair.case)) byCase.set(pair.case, []);
      byCase.get(pair.case).push(pair);
    }
    const rows = [...byCase].map(([one, chosen]) => this.row(one, chosen));
    rows.sort((one, other) => other.badness - one.badness);
    document.getElementById("listed").textContent = rows.length
      ? `${plural(rows.length, "case")}, those that differ most first.` : "No case fits.";
    this.show(rows);
  },

  row(one, chosen) {
    const worst = Math.max(...chosen.map((pair) => Model.states.findIndex((state) => state.name === pair.state)));
    const fresh = chosen.some((pair) => pair.records.some((record) => record.status === "new"));
    const causes = [...new Set(chosen.flatMap((pair) => pair.records.map((record) => record.cause)).filter(Boolean))];
    const unjudged = Model.states[worst].name === "unjudged";
    return {
      id: one.id, op: `${one.op}, ${one.rank}D`, badness: (fresh ? 100 : 0) + (unjudged ? 0 : worst), one,
      causes: causes.map((key) => Model.causes[key]).join("; "),
      ...Object.fromEntries(one.pairs.map((pair) => [`engine ${pair.engine}`, pair.state])),
      pairs: new Map(one.pairs.map((pair) => [pair.engine, pair])),
    };
  },

  show(rows) {
    const narrow = innerWidth < 760;
    if (this.table && this.narrow === narrow) {
      this.filled = this.ready.then(() => this.table.replaceData(rows));
      return;
    }
    this.table?.destroy();
    this.narrow = narrow;
    const place = document.getElementById("list");
    this.table = new Tabulator(place, {
      data: rows, index: "id", height: Math.min(560, Math.max(280, innerHeight * 0.7)), layout: "fitColumns",
      columns: narrow ? this.narrowColumns() : this.columns(), placeholder: "No case fits.",
      headerSortElement: () => '<button type="button" class="sort" aria-label="sort">↕</button>',
    });
    this.ready = new Promise((resolve) => this.table.on("tableBuilt", resolve));
    this.filled = this.ready;
    this.ready.then(() => this.name(place));
  },

  // Scrolls within the list to the case that a link leads to, if it is there.
  async reveal(link) {
    const id = new URLSearchParams(link.slice(1)).get("case");
    if (id && this.table.getRow(id)) await this.table.scrollToRow(id, "center", false).catch(() => {});
  },

  // Tabulator's grid, as a screen reader may meet it: the part that scrolls can have the focus, so it needs a role.
  name(place) {
    place.setAttribute("aria-label", "Cases");
    place.removeAttribute("aria-owns");
    place.querySelector(".tabulator-tableholder").setAttribute("role", "rowgroup");
    place.querySelector(".tabulator-table").setAttribute("role", "presentation");
  },

  columns() {
    const engines = Model.engines.filter((engine) => Model.pairs.some((pair) => pair.engine === engine && !pair.case.check));
    return [
      { title: "case", field: "id", formatter: (cell) => this.link(cell.getData()), widthGrow: 5, minWidth: 280, variableHeight: true },
      { title: "operation", field: "op", width: 156 },
      ...engines.map((engine) => ({
        title: engine, field: `engine ${engine}`, width: Math.min(160, Math.max(56, 8 * engine.length + 18)), hozAlign: "center", headerHozAlign: "center",
        headerWordWrap: true, cssClass: "engine",
        formatter: (cell) => this.sign(cell.getData().pairs.get(engine)),
        sorter: (one, other) => this.rank(one) - this.rank(other),
      })),
      { title: "why", field: "causes", widthGrow: 3, minWidth: 160, tooltip: true, variableHeight: true,
        formatter: (cell) => element("div", { className: "two-lines" }, cell.getValue()) },
    ];
  },

  narrowColumns() {
    return [{ title: "case", field: "id", headerSort: false, variableHeight: true, formatter: (cell) => {
      const { pairs, causes } = cell.getData();
      const signs = [...pairs.values()].map((pair) =>
        element("span", { className: "who" }, this.sign(pair), ` ${pair.engine}`));
      return element("div", { className: "stacked" }, this.link(cell.getData()),
        element("div", { className: "whos" }, ...signs), element("div", { className: "dim" }, causes));
    } }];
  },

  rank(name) { return Model.states.findIndex((state) => state.name === name); },

  // An id may be broken where a part of it begins.
  link({ id }) {
    const parts = id.split(/(?<=::|[/,[])/);
    return element("a", { href: Address.ofCase(id) }, ...parts.flatMap((part) => [element("wbr"), part]).slice(1));
  },

  sign(pair) {
    if (!pair) return "";
    const state = Model.stateOf.get(pair.state);
    const fresh = pair.records.some((record) => record.status === "new");
    const said = `${state.title}${fresh ? ", new" : ""}`;
    return element("span", { className: `sign ${state.name}${fresh ? " fresh" : ""}`, title: said, role: "img", "aria-label": said }, state.sign);
  },
};
