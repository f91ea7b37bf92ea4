"use strict";
(() => {
  const rows = () => [...document.querySelectorAll(".changes .go")];
  const step = (by) => {
    const list = rows();
    const at = list.indexOf(document.activeElement);
    const next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by];
    if (!next) return;
    next.focus({ preventScroll: true });
    next.parentElement.scrollIntoView({ block: "nearest" });
  };
  const home = document.querySelector(".site .name a");
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    u: () => { location.href = home.href; },
    "/": () => {
      const words = document.querySelector("input[type=search]");
      if (words) words.focus();
      else location.href = new URL("search.html", home.href).href;
    },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.matches("input, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const action = Object.hasOwn(keys, event.key) ? keys[event.key] : null;
    if (!action) return;
    event.preventDefault();
    action();
  });
})();
