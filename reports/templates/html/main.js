"use strict";
// Shows what the address says, and again whenever that changes.
(() => {
  const page = document.documentElement;
  const same = (one, other, names) => names.every((name) => one?.[name] === other?.[name]);
  let before = null, listed = null, drawn = null, back = null;
  // The libraries and the texts stand at the page's end.
  const whole = new Promise((resolve) => {
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", resolve, { once: true });
    else resolve();
  });

  function matrix(said) {
    Filters.show(said);
    const fits = List.narrow === null || List.narrow === (innerWidth < 760);
    if (fits && listed && same(listed, said, Address.filters)) return; // as it was left, scrolled and sorted
    listed = said;
    const pairs = Model.chosen(said);
    const cases = new Set(pairs.map((pair) => pair.case)).size;
    document.getElementById("counted").textContent =
      `${plural(pairs.length, "outcome")} of ${plural(cases, "case")}; a cell leads to its cases.`;
    Matrix.draw(pairs, said);
    page.dataset.drawn = "yes";
    drawn = new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))).then(() => whole).then(() => {
      List.draw(pairs);
      page.dataset.listed = "yes";
      return List.filled;
    });
  }

  async function show() {
    const said = Address.read();
    for (const view of document.querySelectorAll(".view")) view.hidden = view.id !== said.view;
    for (const link of document.querySelectorAll("nav a")) {
      if (link.hash === `#view=${said.view}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (said.view !== "matrix") await whole;
    const moved = before && (before.view !== said.view || (said.view === "case" && before.case !== said.case));
    if (said.view === "matrix") matrix(said);
    if (said.view === "case") await CasePage.draw(said.case ?? "");
    if (said.view === "accuracy") await Charts.errors(document.getElementById("errors"));
    document.title = `${document.getElementById(`${said.view}-title`).textContent} · convsuite`;
    before = said;
    page.dataset.shown = said.view;
    const left = back;
    back = null;
    if (left) await returnTo(left);
    else if (target) { const to = document.getElementById(target); target = null; arrive(to); }
    else if (moved) arrive(document.getElementById(`${said.view}-title`), true);
  }

  // Where the reader goes to gets the focus, so that a keyboard and a screen reader go on from there.
  let target = null;
  function arrive(place, top = false) {
    if (!place) return;
    if (!place.hasAttribute("tabindex")) place.tabIndex = -1;
    place.focus({ preventScroll: true });
    if (top) scrollTo(0, 0); else place.scrollIntoView({ block: "start" });
  }

  // Where the reader was goes with the entry of the history that is left, and is found again on the way back.
  function leave(by) {
    history.replaceState({ left: { y: scrollY, link: by.getAttribute("href") } }, "");
  }

  async function returnTo({ y, link }) {
    if (Address.read().view === "matrix") await drawn;
    const hidden = (place) => !place.getClientRects().length;
    const find = () => [...document.querySelectorAll("main a")].find((one) => one.getAttribute("href") === link && !hidden(one));
    if (!find() && Address.read().view === "matrix") await List.reveal(link);
    scrollTo(0, y);
    find()?.focus({ preventScroll: true });
  }

  // A link may say where on its page it leads to; one to a place on this page does not change the address.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#']");
    if (!link) return;
    if (link.classList.contains("skip") || link.dataset.to === link.hash.slice(1)) {
      event.preventDefault();
      arrive(document.getElementById(link.hash.slice(1)));
      return;
    }
    leave(link);
    target = link.dataset.to ?? null;
    if (link.hash === location.hash && target) { arrive(document.getElementById(target)); target = null; }
  });

  page.addEventListener("themechange", () => {
    const said = Address.read();
    if (said.view === "case" || said.view === "accuracy") show();
  });
  history.scrollRestoration = "manual"; // the browser's own comes before the view is drawn
  addEventListener("popstate", (event) => { back = event.state?.left ?? null; });
  addEventListener("hashchange", show);
  addEventListener("resize", () => {
    if (Address.read().view === "matrix" && List.narrow !== (innerWidth < 760)) List.draw(Model.chosen(Address.read()));
  });
  Model.load().then(() => { Filters.build(); Evidence.wire(); return show(); }).catch((error) => {
    page.dataset.shown = "failed";
    document.getElementById("counted").textContent = `The page cannot be read: ${error.message}`;
    throw error;
  });
})();
