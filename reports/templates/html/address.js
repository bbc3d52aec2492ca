"use strict";
// What is shown stands in the address behind the #, so that a link leads to it and the browser goes back to it.
const Address = {
  filters: ["engine", "op", "rank", "where", "state", "verdict", "cause", "form", "status", "q"],
  views: ["matrix", "case", "causes", "accuracy", "note", "pictures", "environment"],

  // The view, the case and the filters that the address says; what it says besides is left out.
  read() {
    const said = new URLSearchParams(location.hash.slice(1));
    const found = { view: this.views.includes(said.get("view")) ? said.get("view") : "matrix" };
    for (const name of ["case", "engine", "form", ...this.filters]) if (said.get(name)) found[name] = said.get(name);
    return found;
  },

  // The address of a view with these filters.
  of(what) {
    const said = new URLSearchParams();
    for (const [name, value] of Object.entries(what)) if (value) said.set(name, value);
    return `#${said}`;
  },

  // The address of a case; the filters stay, so that the way back leads to the same list.
  ofCase(id) {
    return this.of({ ...this.read(), view: "case", case: id });
  },

  // Shows something else; `quietly` without a step to go back to, while somebody types.
  go(what, quietly = false) {
    if (!quietly) { location.hash = this.of(what); return; }
    history.replaceState(null, "", this.of(what));
    dispatchEvent(new HashChangeEvent("hashchange"));
  },
};
