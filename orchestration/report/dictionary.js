"use strict";
// Entries whose words are all found stay: rows by their own words and the name of what they stand in.
(() => {
  const field = document.getElementById("words"), said = document.getElementById("found");
  const plain = text => text.toLowerCase();
  const entries = [...document.querySelectorAll("[data-entry]")].map(entry => ({
    entry,
    name: plain(entry.dataset.entry),
    head: plain([...entry.querySelectorAll("[data-head]")].map(part => part.textContent).join(" ")),
    rows: [...entry.querySelectorAll("tbody tr")].map(row => ({ row, text: plain(row.textContent) })),
  }));
  const sections = [...document.querySelectorAll("main section[data-list]")];
  const all = entries.reduce((sum, { rows }) => sum + rows.length, 0);

  const search = () => {
    const wanted = plain(field.value).split(/\s+/).filter(Boolean);
    const holds = text => wanted.every(word => text.includes(word));
    let shown = 0;
    for (const { entry, name, head, rows } of entries) {
      const whole = holds(`${name} ${head}`);
      let any = 0;
      for (const { row, text } of rows) {
        row.hidden = !(whole || holds(`${name} ${text}`));
        any += !row.hidden;
      }
      entry.hidden = !(whole || any);
      shown += any;
    }
    for (const section of sections) section.hidden = !section.querySelector("[data-entry]:not([hidden])");
    for (const index of document.querySelectorAll("[data-index]")) index.hidden = wanted.length > 0;
    said.textContent = wanted.length ? said.dataset[shown ? "some" : "none"].replace("{n}", shown).replace("{all}", all) : "";
  };

  document.getElementById("search").hidden = false;
  field.form.addEventListener("submit", event => event.preventDefault());
  field.addEventListener("input", search);
  // What the browser kept from before a reload is searched for again.
  if (field.value) search();
})();
