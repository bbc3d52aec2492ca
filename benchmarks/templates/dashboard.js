"use strict";
// Every chart of the page: its filters, its picture, its table. What there is stands in the element `data`.
(() => {
  const charts = JSON.parse(document.getElementById("data").textContent);

  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const narrow = () => innerWidth < 600;
  const distinct = (rows, field) => [...new Set(rows.map((row) => row[field]))];

  // The rows that the filters leave. A filter offers the values that those before it leave; where nothing of what was
  // chosen is among them, it starts anew.
  function chosen(chart) {
    let rows = chart.rows;
    for (const filter of chart.filters) {
      const values = distinct(rows, filter.field);
      const among = (some) => values.filter((value) => some.includes(value));
      const emptied = filter.many && filter.chosen?.length === 0;
      let kept = among(filter.chosen ?? filter.start);
      if (!kept.length && !emptied) kept = among(filter.start);
      if (!kept.length && !emptied) kept = filter.many ? values : values.slice(0, 1);
      offer(chart, filter, values, kept);
      rows = rows.filter((row) => kept.includes(row[filter.field]));
    }
    return rows;
  }

  // The controls of a filter; made anew only where what it offers has changed, so that the focus stays where it is.
  function offer(chart, filter, values, kept) {
    const offered = JSON.stringify(values);
    if (filter.offered !== offered) {
      filter.offered = offered;
      const control = filter.many ? boxes(chart, filter, values) : list(chart, filter, values);
      if (filter.control) filter.control.replaceWith(control);
      else chart.section.querySelector("form").append(control);
      filter.control = control;
    }
    if (filter.many) {
      filter.control.querySelectorAll("input").forEach((box, index) => { box.checked = kept.includes(values[index]); });
    } else {
      filter.control.querySelector("select").selectedIndex = values.indexOf(kept[0]);
    }
  }

  function list(chart, filter, values) {
    const select = element("select", { name: filter.field }, ...values.map((value) => element("option", {}, String(value))));
    select.addEventListener("change", () => { filter.chosen = [values[select.selectedIndex]]; show(chart); });
    return element("label", {}, filter.title, select);
  }

  function boxes(chart, filter, values) {
    const made = values.map((value) => element("input", { type: "checkbox", name: filter.field, value: String(value) }));
    const labels = made.map((box, index) => element("label", {}, box, String(values[index])));
    const fieldset = element("fieldset", {}, element("legend", {}, filter.title), ...labels);
    fieldset.addEventListener("change", () => { filter.chosen = values.filter((_, index) => made[index].checked); show(chart); });
    return fieldset;
  }

  // The specification with what is drawn: colours and shapes are those of the values that are shown.
  function drawn(chart, rows) {
    const spec = structuredClone(chart.spec);
    for (const layer of spec.layer) {
      if (narrow() && layer.encoding.y?.axis?.labelLimit) layer.encoding.y.axis.labelLimit = 120;
      for (const [channel, encoding] of Object.entries(layer.encoding)) {
        const styles = chart.styles[encoding.field];
        if (styles && (channel === "color" || channel === "shape")) {
          const domain = distinct(rows, encoding.field);
          encoding.scale = { domain, range: domain.map((value) => styles[value][channel]) };
          if (narrow()) encoding.legend.columns = 1;
        }
      }
    }
    // a height by steps makes Vega-Lite warn of what it does with the width
    const rank = spec.layer.map((layer) => layer.encoding.y?.field).find((field) => field);
    if (spec.height.step) spec.height = chart.spec.height.step * distinct(rows, rank).length;
    return { ...spec, width: "container", autosize: { type: "fit-x", contains: "padding" }, datasets: { ...spec.datasets, rows } };
  }

  function theme() {
    const style = getComputedStyle(document.documentElement);
    const [ink, dim, line] = ["--ink", "--dim", "--line"].map((name) => style.getPropertyValue(name).trim());
    return {
      background: "transparent", font: "system-ui, sans-serif",
      title: { color: ink }, view: { stroke: line },
      axis: { labelColor: ink, titleColor: ink, domainColor: dim, tickColor: dim, gridColor: line, labelFontSize: 12,
        titleFontSize: 12, titleFontWeight: "normal" },
      legend: { labelColor: ink, titleColor: ink, labelFontSize: 12, titleFontWeight: "normal" },
      text: { color: ink }, rule: { color: ink }, line: { color: dim }, point: { color: ink },
    };
  }

  const text = (value) => typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(4)))
    : value === null ? "–" : value === true ? "yes" : value === false ? "no" : String(value);

  function table(chart, rows) {
    const columns = Object.entries(chart.columns);
    const head = columns.map(([, title]) => element("th", { scope: "col" }, title));
    const body = rows.map((row) => element("tr", {}, ...columns.map(([field]) =>
      element("td", { className: typeof row[field] === "number" ? "number" : "" }, text(row[field])))));
    return element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
  }

  async function show(chart) {
    const rows = chosen(chart);
    const details = chart.section.querySelector("details");
    chart.section.querySelector(".count").textContent = `${rows.length} of ${chart.rows.length} rows are shown.`;
    const fill = () => details.querySelector(".scroll").replaceChildren(...(details.open ? [table(chart, rows)] : []));
    details.ontoggle = fill;
    fill();
    const place = chart.section.querySelector(".chart");
    chart.view?.finalize();
    if (!rows.length) { place.replaceChildren("Nothing is chosen."); chart.view = null; return; }
    chart.view = await vegaEmbed(place, drawn(chart, rows), { actions: false, renderer: "svg", config: theme() });
  }

  for (const chart of charts) {
    chart.section = document.getElementById(chart.name);
    chart.rows = Unpack.rows(chart.rows);
  }
  const showAll = () => Promise.all(charts.map(show));
  document.documentElement.addEventListener("themechange", showAll);
  showAll().then(() => { document.documentElement.dataset.drawn = "yes"; });
})();
