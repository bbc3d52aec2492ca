"use strict";
// The run as the page knows it: cases, pairs of a case and an engine, records. Texts come later, as `details`.

// A DOM element; text children are text, whatever they hold.
function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made && key !== "style") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const Model = {
  engines: [], states: [], facets: {}, causes: {}, cases: [], pairs: [], records: [], details: null,
  byId: new Map(), stateOf: new Map(),

  async load() {
    const core = await Unpack.inflated(document.getElementById("core"));
    Object.assign(this, { engines: core.engines, states: core.states, facets: core.facets, causes: core.causes });
    this.stateOf = new Map(this.states.map((state) => [state.name, state]));
    this.cases = Unpack.rows(core.cases);
    this.pairs = Unpack.rows(core.pairs);
    this.records = Unpack.rows(core.records);
    for (const one of this.cases) {
      one.pairs = [];
      this.byId.set(one.id, one);
    }
    let next = 0;
    for (const pair of this.pairs) {
      pair.case = this.cases[pair.case];
      pair.case.pairs.push(pair);
      pair.records = this.records.slice(next, next + pair.records);
      next += pair.records.length;
    }
    this.records.forEach((record, index) => { record.index = index; });
  },

  // The texts of records: programs, messages, errors. Read once, when they are first needed.
  async texts() {
    this.details ??= Unpack.inflated(document.getElementById("details")).then(({ lines, records, evidence }) => {
      const rows = Unpack.rows(records);
      for (const row of rows) row.program = row.program?.map((line) => lines[line]).join("\n") ?? null;
      return { records: rows, evidence };
    });
    return this.details;
  },

  // What a reader may look for in a case, in small letters.
  searched(one) {
    one.searched ??= `${one.id} ${one.about} ${one.op} ${JSON.stringify(one.parameters)}`.toLowerCase();
    return one.searched;
  },

  // The pairs that the filters leave: a pair stays where its case fits, and one of its records fits in everything.
  chosen(filters) {
    const { engine, op, rank, where, state, q } = filters;
    const facet = where?.split(":", 1)[0];
    const value = where?.slice(facet.length + 1);
    const words = (q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const perRecord = ["form", "verdict", "status", "cause"].filter((name) => filters[name]);
    const fits = (one) => (!op || one.op === op) && (!rank || String(one.rank) === rank)
      && (!facet || one[`facet ${facet}`] === value)
      && words.every((word) => Model.searched(one).includes(word));
    const fitting = new Set(this.cases.filter(fits));
    return this.pairs.filter((pair) => fitting.has(pair.case) && (!engine || pair.engine === engine)
      && (!state || pair.state === state)
      && (!perRecord.length || pair.records.some((record) => perRecord.every((name) => record[name] === filters[name]))));
  },
};
