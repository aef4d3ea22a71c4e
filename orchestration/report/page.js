"use strict";
// What a page can do beyond being read: figures of any whole periods and one dimension at a time, and charts that answer.
(() => {
  const read = id => JSON.parse(document.getElementById(id).textContent);
  const told = read("cells"), words = read("words"), language = document.documentElement.lang;
  const number = decimals => new Intl.NumberFormat(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

  // A figure is divided once, of parts that were summed: null where nothing was counted.
  const figure = (kpi, grain, first, last, dimension, member) => {
    const list = told.cells[kpi]?.[grain]?.[dimension]?.[member] ?? [];
    let plus = 0, over = 0, counted = false;
    for (let at = 0; at < list.length; at += 3)
      if (first <= list[at] && list[at] <= last) { plus += list[at + 1]; over += list[at + 2]; counted = true; }
    if (!counted) return null;
    return over ? { value: 100 * plus / over, n: over } : { value: plus, n: plus };
  };

  const shown = (kpi, found) => {
    if (!found) return "–";
    const unit = told.kpis[kpi].unit;
    if (unit === "tickets") return number(0).format(found.value);
    const few = found.n < told.kpis[kpi].small ? `; ${words.few}` : "";
    return `${number(1).format(found.value)}${unit === "percent" ? "\u00a0%" : ""} (n ${number(0).format(found.n)}${few})`;
  };

  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const choose = id => document.getElementById(id);
  const fill = (select, options, chosen) => {
    select.replaceChildren(...options.map(([value, text]) => element("option", text, { value })));
    select.value = chosen;
  };

  const refresh = () => {
    const grain = choose("grain").value, dimension = choose("dimension").value;
    const first = Number(choose("first").value), last = Number(choose("last").value);
    const row = element("tr");
    row.append(element("th", told.dimensions[dimension].name, { scope: "col" }));
    for (const kpi of Object.values(told.kpis)) row.append(element("th", kpi.name, { scope: "col" }));
    const body = told.dimensions[dimension].members.map(([, label], member) => {
      const line = element("tr"), head = element("th", undefined, { scope: "row" });
      head.append(element("bdi", label));
      line.append(head, ...Object.keys(told.kpis).map(kpi => element("td", shown(kpi, figure(kpi, grain, first, last, dimension, member)))));
      return line;
    });
    choose("figures-head").replaceChildren(row);
    choose("figures-body").replaceChildren(...body);
    const periods = told.periods[grain];
    const span = first === last ? periods[first][1] : `${periods[first][1]} – ${periods[last][1]}`;
    choose("figures-caption").textContent = `${told.dimensions[dimension].name}: ${span}`;
  };

  // What is seen before anything is chosen: that many of the newest periods.
  const RECENT = 12;
  const periods = () => {
    const options = told.periods[choose("grain").value].map(([, text], at) => [String(at), text]);
    fill(choose("first"), options, String(Math.max(0, options.length - RECENT)));
    fill(choose("last"), options, String(options.length - 1));
  };

  const explore = () => {
    const grains = Object.keys(told.periods).filter(grain => told.periods[grain].length);
    if (!grains.length) return;
    fill(choose("grain"), grains.map(grain => [grain, words[grain]]), grains[0]);
    fill(choose("dimension"), Object.entries(told.dimensions).map(([key, value]) => [key, value.name]), "all");
    periods();
    choose("grain").addEventListener("change", () => { periods(); refresh(); });
    // An end that is chosen takes the other along where it would come before the beginning.
    const ends = { first: (chosen, other) => Math.max(chosen, other), last: (chosen, other) => Math.min(chosen, other) };
    for (const [id, other] of [["first", "last"], ["last", "first"]])
      choose(id).addEventListener("change", () => {
        choose(other).value = String(ends[id](Number(choose(id).value), Number(choose(other).value)));
        refresh();
      });
    choose("dimension").addEventListener("change", refresh);
    refresh();
    for (const hidden of document.querySelectorAll("[data-explore]")) hidden.hidden = false;
  };

  // Vega is packed; it is unpacked when the first chart is asked for, and each chart comes alive as it is pointed at.
  let vega = null;
  const unpack = async () => {
    const packed = Uint8Array.from(atob(choose("vega").textContent), letter => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = element("script", await new Response(stream).text());
    document.head.append(script);
  };
  const enliven = async chart => {
    if (chart.dataset.state) return;
    chart.dataset.state = "loading";
    await (vega ??= unpack());
    const drawn = chart.querySelector("svg"), target = element("div");
    const locale = read("locale");
    const specification = read("specs")[chart.dataset.chart];
    target.hidden = true;
    chart.append(target);
    await window.vegaEmbed(target, specification, {
      actions: false, renderer: "svg", logLevel: 1, formatLocale: locale.number, timeFormatLocale: locale.time,
    });
    const alive = target.querySelector("svg");
    alive.setAttribute("aria-hidden", "true");
    alive.style.maxWidth = "100%";
    // What it is stands where it stood.
    drawn.classList.add("hidden");
    target.hidden = false;
    chart.dataset.state = "alive";
  };

  explore();
  if (choose("vega") && "DecompressionStream" in window)
    for (const chart of document.querySelectorAll("[data-chart]"))
      for (const event of ["pointerenter", "focusin"]) chart.addEventListener(event, () => enliven(chart));
  window.cxmarts = { figure, enliven, told };
})();
