"use strict";
// CHANGES comes from data.js: one object for each change, newest first
(() => {
  const form = document.querySelector("form");
  const results = document.querySelector("#results");
  const said = form.querySelector("output");
  const selects = [...form.querySelectorAll("select")];
  const most = 200;
  const texts = CHANGES.map((one) => Object.values(one).join("\n").toLowerCase());

  const element = (name, text, className) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  const row = (one) => {
    const item = document.createElement("li");
    const link = element("a", "", "go");
    link.href = `changes/${one.key}.html`;
    link.append(element("span", one.level, `level ${one.level}`), ` ${one.subject}`);
    const fate = one.outcome === "unknown" ? "" : one.outcome;
    const place = [one.date, one.list, one.rule, fate].filter(Boolean).join(" · ");
    item.append(link, element("p", one.message), element("p", place, "faint"));
    return item;
  };

  const wanted = () => {
    const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = selects.filter((one) => one.value !== "");
    return CHANGES.filter((one, index) =>
      words.every((word) => texts[index].includes(word))
      && chosen.every((select) => one[select.name] === select.value));
  };

  const show = () => {
    const list = wanted();
    results.replaceChildren(...list.slice(0, most).map(row));
    const more = list.length > most ? `, the newest ${most} shown` : "";
    said.textContent = `${list.length} of ${CHANGES.length}${more}`;
  };

  const remember = () => {
    const state = new URLSearchParams();
    for (const field of [form.elements.q, ...selects]) {
      if (field.value) state.set(field.name, field.value);
    }
    const hash = state.toString();
    if (`#${hash}` !== location.hash) history.replaceState(null, "", `#${hash}`);
  };

  const recall = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const field of [form.elements.q, ...selects]) field.value = state.get(field.name) ?? "";
    show();
  };

  form.hidden = false;
  form.addEventListener("input", () => { show(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", recall);
  recall();
  form.elements.q.focus();
})();
