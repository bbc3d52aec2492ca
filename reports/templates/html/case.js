"use strict";
// One case: its parameters, every engine's verdict, the programs side by side, why they differ, and a reproducer.
const CasePage = {
  async draw(id) {
    const one = Model.byId.get(id);
    document.getElementById("case-title").textContent = one ? id : "No such case";
    const place = document.getElementById("case-body");
    if (!one) { place.replaceChildren(element("p", {}, `The run has no case “${id}”.`)); return; }
    const details = await Model.texts();
    place.replaceChildren(
      element("p", {}, this.toTheList()),
      element("p", {}, one.about),
      this.parameters(one),
      ...this.relatives(one),
      this.verdicts(one, details),
      element("h3", {}, "What ran, and what it gave"),
      element("div", { className: "cards" }, ...this.badFirst(one).map(({ pair, record }) => this.card(one, pair, record, details))),
    );
  },

  toTheList() {
    return element("a", { href: Address.of({ ...Address.read(), view: "matrix", case: "" }), "data-to": "cases-title" }, "← to the list");
  },

  badFirst(one) {
    const all = one.pairs.flatMap((pair) => pair.records.map((record) => ({ pair, record })));
    return all.sort((first, second) => (second.record.cause !== null) - (first.record.cause !== null));
  },

  text(value) {
    return typeof value === "string" ? value : JSON.stringify(value).replaceAll(",", ", ").replaceAll('"', "");
  },

  parameters(one) {
    const shown = Object.entries({ op: one.op, ...one.parameters });
    return element("dl", { className: "parameters" }, ...shown.map(([name, value]) =>
      element("div", {}, element("dt", {}, name.replace("expected_dtype", "dtype").replaceAll("_", " ")), element("dd", {}, this.text(value)))));
  },

  // The parts of a relation, and the relation of a part.
  relatives(one) {
    const parts = Model.cases.filter((other) => other.part_of === one.id);
    const link = (id) => element("li", {}, element("a", { href: Address.ofCase(id) }, id));
    const made = [];
    if (one.part_of) made.push(element("p", {}, "Part of the relation ", element("a", { href: Address.ofCase(one.part_of) }, one.part_of)));
    if (parts.length) made.push(element("p", {}, "A relation between:"), element("ul", {}, ...parts.map((part) => link(part.id))));
    return made;
  },

  verdicts(one, details) {
    const rows = one.pairs.map((pair) => element("tr", {}, element("th", { scope: "row" }, List.sign(pair), ` ${pair.engine}`),
      element("td", {}, Model.stateOf.get(pair.state).title),
      element("td", {}, ...pair.records.flatMap((record, index) => {
        const anchor = element("a", { href: `#${this.anchor(pair, record)}` }, record.form);
        anchor.dataset.to = this.anchor(pair, record);
        return [...(index ? [element("br")] : []), anchor, `: ${record.verdict}${this.status(record)}`];
      })),
      element("td", { className: "number" }, ...pair.records.flatMap((record, index) => [...(index ? [element("br")] : []), this.error(details.records[record.index])]))));
    const heads = ["engine", "outcome", "forms", "largest error"].map((title) => element("th", { scope: "col" }, title));
    return element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Verdicts" }, element("table", { className: "verdicts" },
      element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows)));
  },

  status({ status }) { return ["new", "known", "vanished"].includes(status) ? ` (${status})` : ""; },

  error({ max_error: most, bound_ratio: ratio }) {
    if (most === null) return "–";
    return `${most}${ratio === null ? "" : `, ${ratio} of the bound`}`;
  },

  anchor(pair, record) { return `ran-${pair.engine.replaceAll(/[^\w-]/g, "_")}-${record.form}`; },

  card(one, pair, record, { records, evidence }) {
    const row = records[record.index];
    const bad = record.cause !== null;
    const title = element("h4", { id: this.anchor(pair, record), tabIndex: -1 }, `${pair.engine}, ${record.form}`);
    const made = [title, element("p", { className: "meta" }, element("strong", {}, record.verdict), this.status(record),
      row.shape ? ` · ${row.dtype} ${this.text(row.shape)}` : "", row.seconds ? ` · ${row.seconds} s` : "")];
    if (row.message) made.push(element("p", { className: "message" }, row.message));
    if (row.sentence) made.push(element("p", {}, element("strong", {}, "Cause: "), `${capital(row.sentence)}. `, this.cause(record.cause)));
    if (row.remedy) made.push(element("p", {}, element("strong", {}, "What makes it agree: "), row.remedy));
    if (row.known) made.push(element("p", {}, element("strong", {}, "Known: "), row.known));
    if (row.error_map) made.push(Charts.heat(row.error_map));
    else if (record.verdict === "differs") made.push(element("p", { className: "dim" }, "The run kept no map of the error."));
    if (row.program) made.push(this.program(row.program, `Program of ${pair.engine}, ${record.form}`));
    if (bad) made.push(row.again ? this.again(row.again) : this.reproducer(one, pair, record, evidence));
    return element("article", { className: bad ? "card bad" : "card", "aria-labelledby": title.id }, ...made);
  },

  cause(key) {
    return element("a", { href: Address.of({ view: "causes" }), "data-to": `cause-${key}` }, "all cases of it");
  },

  program(text, name) {
    return element("pre", { tabIndex: 0, role: "region", "aria-label": name }, element("code", {}, text));
  },

  again(command) {
    return element("p", { className: "repro" }, "Nothing was called, so there is no script; once more: ", element("code", {}, command));
  },

  // A word of a command line, as a POSIX shell takes it for one.
  quoted(word) { return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`; },

  reproducer(one, pair, record, evidence) {
    const found = evidence.find((each) => each.case === one.id && each.engine === pair.engine && each.form === record.form);
    const form = pair.records.length > 1 ? ` --form ${record.form}` : "";
    const command = `convsuite repro RUN '${one.id}' --engine ${this.quoted(pair.engine)}${form}`;
    if (!found) {
      const like = evidence.find((each) => each.cause === record.cause && each.engine === pair.engine);
      const where = like ? [" One with the same cause was executed: ", element("a", { href: Address.ofCase(like.case) }, like.case), "."] : [];
      return element("p", { className: "repro" }, "Reproducer: ", element("code", {}, command), ...where);
    }
    const shown = element("details", {}, element("summary", {}, "Reproducer, as it was executed"));
    shown.dataset.evidence = String(evidence.indexOf(found));
    Evidence.fill(shown);
    return shown;
  },
};

// A reproducer behind its summary: the script, what it printed, and how it ended.
const Evidence = {
  endings: { lives: "Exit status 1: the discrepancy is there.", gone: "Exit status 0: here it is gone.", broken: "It did not run to its end." },

  // Whether it has been copied; a page that is no secure context has no clipboard but that of old.
  async copied(text, beside) {
    try { await navigator.clipboard.writeText(text); return true; } catch { /* as follows */ }
    const place = element("textarea", { value: text, readOnly: true, className: "unseen" });
    beside.after(place);
    place.select();
    const done = document.execCommand("copy");
    place.remove();
    beside.focus();
    return done;
  },

  async fill(details) {
    const { title, script, output, status, text } = (await Model.texts()).evidence[Number(details.dataset.evidence)];
    const copy = element("button", { type: "button" }, "Copy script");
    copy.addEventListener("click", async () => { copy.textContent = await this.copied(script, copy) ? "Copied" : "Not copied: select the script"; });
    const issue = element("details", {}, element("summary", {}, "As an issue, in Markdown"), CasePage.program(text, `Issue: ${title}`));
    details.replaceChildren(details.querySelector("summary"), element("p", {}, title), CasePage.program(script, `Reproducer: ${title}`), copy,
      element("p", {}, this.endings[status]), CasePage.program(output || "(it printed nothing)", "What it printed"), issue);
  },

  wire() {
    for (const details of document.querySelectorAll("details[data-evidence]")) {
      details.addEventListener("toggle", () => this.fill(details), { once: true });
    }
  },
};
