"use strict";
(() => {
  const findings = [...document.querySelectorAll("details.finding")];
  const form = document.querySelector(".filter");
  const shown = form.querySelector("output");
  const words = new Map(findings.map((one) => [one, one.textContent.toLowerCase()]));

  const visible = () => findings.filter((one) => !one.hidden);

  const sift = () => {
    const levels = new Set([...form.querySelectorAll("[name=level]:checked")].map((box) => box.value));
    const rule = form.elements.rule.value;
    const text = form.elements.text.value.trim().toLowerCase();
    for (const one of findings) {
      one.hidden = !levels.has(one.dataset.level)
        || (rule !== "" && one.dataset.rule !== rule)
        || !words.get(one).includes(text);
      const row = document.querySelector(`.index a[href="#${one.dataset.anchor}"]`);
      if (row) row.parentElement.hidden = one.hidden;
    }
    for (const group of document.querySelectorAll("[data-group]")) {
      group.hidden = !findings.some((one) => !one.hidden && one.dataset.patch === group.dataset.group);
    }
    shown.textContent = `${visible().length} of ${findings.length} shown`;
  };

  const step = (by) => {
    const list = visible();
    const at = list.findIndex((one) => one.contains(document.activeElement));
    const next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by];
    if (!next) return;
    const head = next.querySelector("summary");
    head.focus({ preventScroll: true });
    head.scrollIntoView({ block: "nearest" });
  };

  const unfold = () => {
    const list = visible();
    const open = list.some((one) => !one.open);
    for (const one of list) one.open = open;
  };

  const keys = {
    j: () => step(1),
    k: () => step(-1),
    o: unfold,
    "/": () => form.elements.text.focus(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const typing = event.target.matches("input[type=search], select");
    if (typing) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  const reveal = () => {
    const one = findings.find((each) => `#${each.dataset.anchor}` === location.hash);
    if (!one) return;
    one.open = true;
    one.querySelector("summary").focus({ preventScroll: true });
    one.scrollIntoView();
  };
  window.addEventListener("hashchange", reveal);
  document.querySelector(".index")?.addEventListener("click", (event) => {
    const row = event.target.closest("a");
    if (row && row.hash === location.hash) reveal();
  });
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = visible().filter((one) => !one.open);
    for (const one of folded) one.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
  });
  form.addEventListener("input", sift);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = findings.length < 2;
  sift();
  reveal();
})();
