"use strict";
// Light or dark: as the reader has chosen with the button #theme, else as the system says.  Stands in the head, so that
// the first picture has the right colours.  Whoever draws with colours of its own listens for "themechange".
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const KEY = "convsuite-theme";
  let chosen = null;
  try { chosen = localStorage.getItem(KEY); } catch { /* a page from a file may have no storage */ }

  function apply() {
    const theme = chosen ?? (system.matches ? "dark" : "light");
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    name();
    root.dispatchEvent(new Event("themechange"));
  }

  function name() {
    const button = document.getElementById("theme");
    if (button) button.textContent = root.dataset.theme === "dark" ? "Light" : "Dark";
  }

  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    name();
    document.getElementById("theme")?.addEventListener("click", () => {
      chosen = root.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem(KEY, chosen); } catch { /* then it lasts as long as the page */ }
      apply();
    });
  });
  apply();
})();
