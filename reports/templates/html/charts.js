"use strict";
// Charts, by Observable Plot: where in an output the error sits, and how large errors of right answers are.
const Charts = {
  colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); },

  style() { return { background: "transparent", color: this.colour("--ink"), fontSize: "12px", fontFamily: "inherit" }; },

  // A chart is one picture to a screen reader; what Plot calls its parts would only be in the way.
  name(chart, said) {
    for (const part of chart.querySelectorAll("[aria-label], [aria-description]")) {
      part.removeAttribute("aria-label");
      part.removeAttribute("aria-description");
    }
    chart.setAttribute("role", "img");
    chart.setAttribute("aria-label", said);
  },

  // The error of one output, as `conformance.error_map` has reduced it.
  heat({ unit, axes, extents, over, cells }) {
    const many = cells.length > 1;
    const [height, width] = many ? extents : [1, extents[0]];
    const begin = (place, count, extent) => Math.floor((place * extent) / count);
    const points = cells.flatMap((row, y) => row.map((value, x) => ({
      x: begin(x, row.length, width), y: begin(y, cells.length, height), value })));
    const finite = points.map((point) => point.value).filter((value) => value !== null);
    const largest = Math.max(0, ...finite);
    const units = unit === "bound" ? "× the bound" : "(the numbers are integers)";
    const wide = Math.min(560, Math.max(140, cells[0].length * 26 + 60), document.documentElement.clientWidth - 64);
    const chart = Plot.plot({
      style: this.style(), width: wide, height: many ? Math.max(110, (cells.length * (wide - 60)) / cells[0].length + 60) : 100,
      marginLeft: 44, marginTop: 42, marginBottom: 8, padding: 0.04,
      x: { label: axes.at(-1), axis: "top", tickSize: 0, labelOffset: 36, ticks: this.ticks(points.map((point) => point.x)) },
      y: { label: many ? axes[0] : null, tickSize: 0, ticks: many ? this.ticks(points.map((point) => point.y)) : [] },
      color: { type: "sqrt", range: [this.colour("--cold"), this.colour("--hot")], domain: [0, largest || 1], interpolate: "rgb" },
      marks: [
        Plot.cell(points.filter((point) => point.value !== null), { x: "x", y: "y", fill: "value", inset: 0.5 }),
        Plot.cell(points.filter((point) => point.value === null), { x: "x", y: "y", fill: this.colour("--ink"), inset: 0.5 }),
        Plot.text(points.filter((point) => point.value === null), { x: "x", y: "y", text: () => "∞", fill: this.colour("--paper") }),
      ],
    });
    const wrong = points.filter((point) => point.value === null || point.value > 0).length;
    const most = finite.length < points.length ? "not finite (∞)" : `${largest} ${units}`;
    const said = `${wrong} of ${points.length} places are off, by at most ${most}${over.length ? `; of each the largest over ${over.join(", ")}` : ""}.`;
    this.name(chart, `Error map: ${said}`);
    const scale = element("span", { className: "scale", "aria-hidden": "true" }, element("span", {}, "0"), element("span", { className: "ramp" }),
      element("span", {}, `${largest} ${units}`));
    return element("figure", { className: "heat" }, chart, scale, element("figcaption", {}, `Where the error sits: ${said}`));
  },

  // A few of the places along an axis.
  ticks(places) {
    const distinct = [...new Set(places)];
    const step = Math.ceil(distinct.length / 8);
    return distinct.filter((_, index) => index % step === 0);
  },

  // Errors of right answers on random data, by dtype.
  async errors(place) {
    const { records } = await Model.texts();
    const points = Model.pairs.flatMap((pair) => pair.records
      .filter((record) => record.verdict === "within" && records[record.index].bound_ratio > 0)
      .map((record) => ({ engine: pair.engine, dtype: pair.case.parameters.expected_dtype, ratio: records[record.index].bound_ratio })));
    const dtypes = Model.facets.dtype?.filter((dtype) => points.some((point) => point.dtype === dtype)) ?? [...new Set(points.map((point) => point.dtype))];
    const width = Math.min(560, place.clientWidth || 320);
    place.replaceChildren(...dtypes.map((dtype) => {
      const shown = points.filter((point) => point.dtype === dtype);
      const chart = Plot.plot({
        style: this.style(), width, height: 48 + 26 * new Set(shown.map((point) => point.engine)).size, marginLeft: 96,
        x: { type: "log", domain: [1e-4, 1], clamp: true, label: "largest error / bound", grid: true, tickFormat: "~g", ticks: 5 },
        y: { label: null, domain: Model.engines.filter((engine) => shown.some((point) => point.engine === engine)) },
        marks: [Plot.boxX(shown, { x: "ratio", y: "engine", fill: this.colour("--cold-strong"), r: 1.5 })],
      });
      this.name(chart, `${dtype}: ${Model.engines.map((engine) => this.median(shown, engine)).filter(Boolean).join(", ")}`);
      return element("figure", {}, element("h3", {}, `${dtype}, ${plural(shown.length, "result")}`), chart);
    }), ...(dtypes.length ? [] : ["The run has no random data."]));
  },

  median(points, engine) {
    const ratios = points.filter((point) => point.engine === engine).map((point) => point.ratio);
    return ratios.length ? `${engine} median ${d3.median(ratios).toPrecision(2)}` : "";
  },
};
