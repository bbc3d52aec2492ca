"use strict";
// The form above the matrix.
const Filters = {
  // Once, with what the run offers.
  build() {
    const form = document.getElementById("filters");
    const places = Object.entries(Model.facets).map(([facet, values]) =>
      element("optgroup", { label: facet }, ...values.map((value) => this.option(`${facet}:${value}`, `${facet}: ${value}`))));
    const distinct = (rows, name) => [...new Set(rows.map((row) => row[name]))].filter((value) => value !== null).sort();
    const causes = new Set(Model.records.map((record) => record.cause));
    form.append(
      this.list("engine", "engine", Model.engines),
      this.list("op", "operation", distinct(Model.cases, "op")),
      this.list("rank", "rank", distinct(Model.cases, "rank")),
      this.select("where", "parameter", places),
      this.list("state", "outcome", this.shown(), (name) => Model.stateOf.get(name).title),
      this.list("verdict", "verdict", distinct(Model.records, "verdict")),
      this.list("cause", "cause", Object.keys(Model.causes).filter((key) => causes.has(key)), (key) => Model.causes[key]),
      this.list("form", "form", distinct(Model.records, "form")),
      this.list("status", "status", distinct(Model.records, "status")),
      element("label", {}, "search", element("input", { type: "search", name: "q", autocomplete: "off", placeholder: "case, parameter" })),
      element("button", { type: "button", id: "reset" }, "Clear"),
    );
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", (event) => { if (event.target.name !== "q") this.changed(); });
    form.addEventListener("input", (event) => { if (event.target.name === "q") this.typed(); });
    document.getElementById("reset").addEventListener("click", () => Address.go({ view: "matrix" }));
  },

  shown() {
    const there = new Set(Model.pairs.map((pair) => pair.state));
    return Model.states.map((state) => state.name).filter((name) => there.has(name));
  },

  option(value, title) { return element("option", { value }, title); },

  list(name, title, values, titleOf = String) {
    return this.select(name, title, values.map((value) => this.option(value, titleOf(value))));
  },

  select(name, title, options) {
    return element("label", {}, title, element("select", { name }, this.option("", "all"), ...options));
  },

  // The controls as the address says; a value that the run does not have is shown as what it is.
  show(said) {
    const form = document.getElementById("filters");
    for (const name of Address.filters) {
      const control = form.elements[name];
      const value = said[name] ?? "";
      if (control.value !== value) control.value = value;
      if (control.value !== value) {
        control.append(this.option(value, `${value} (not in this run)`));
        control.value = value;
      }
      control.classList.toggle("set", value !== "");
    }
    document.getElementById("reset").disabled = Address.filters.every((name) => !said[name]);
  },

  given() {
    const form = document.getElementById("filters");
    return Object.fromEntries(Address.filters.map((name) => [name, form.elements[name].value]));
  },

  changed() { Address.go({ view: "matrix", ...this.given() }); },

  typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => Address.go({ view: "matrix", ...this.given() }, true), 150);
  },
};
