// The page: what is chosen, and what follows from it.

const at = (id) => document.getElementById(id);
const state = {
  doc: 0,
  row: null, // the fact that is lit
  sought: "",
  part: 0,
  sort: null, // {key, down}
  filters: { doc: 0, words: "", sure: 0, status: null, kind: null, unit: null, place: null },
};
let shown = []; // the rows of the table
let painter = null; // of the document's text
let lit = []; // elements

function say(element, text) {
  element.textContent = visible(text);
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) say(element, text);
  return element;
}

// -- documents ------------------------------------------------------------------------------------------------------

const entries = RECORDS.map((record, doc) => {
  const button = make("button", "entry");
  button.type = "button";
  button.append(make("b", "", title(record)));
  const { issuer, region, published } = record.document;
  // the region is part of most issuers' names
  const about = [issuer, issuer?.includes(region) ? "" : region, published].filter(Boolean);
  button.append(make("span", "quiet", about.join(" · ") || record.document.source));
  button.append(make("span", "counts"), make("span", "hit"));
  button.addEventListener("click", () => {
    browse(false);
    openDocument(doc, { toHit: true });
  });
  const item = document.createElement("li");
  item.append(button);
  return { item, button };
});

// Opens or closes the list of documents in windows that are too narrow to show it always.
function browse(open) {
  at("desk").classList.toggle("browsing", open);
  at("browse").setAttribute("aria-expanded", String(open));
}

// What is searched, in small letters, made when it is first needed.
function searched(record) {
  record.low ??= {
    title: [record.document.title, record.document.issuer, record.document.region, record.document.source].join("\n").toLowerCase(),
    indicators: record.facts.map((fact) => fact.indicator.toLowerCase()),
    text: (record.text ?? "").toLowerCase(),
  };
  return record.low;
}

function listDocuments() {
  let fitting = 0;
  RECORDS.forEach((record, doc) => {
    const { item, button } = entries[doc];
    const said = [];
    if (state.sought) {
      const low = searched(record);
      const indicators = low.indicators.filter((one) => one.includes(state.sought)).length;
      const text = hits(low.text, state.sought).length;
      if (low.title.includes(state.sought)) said.push(word("in_title"));
      if (indicators) said.push(word("in_indicators", { n: indicators }));
      if (text) said.push(word("in_text", { n: text }));
    }
    item.hidden = state.sought !== "" && !said.length;
    if (!item.hidden) fitting += 1;
    say(button.querySelector(".hit"), said.join(" · "));
    const counts = [word("fact_count", { n: record.facts.length })];
    for (const role of DATA.roles) if (record[role].length) counts.push(`${name(role)} ${record[role].length}`);
    say(button.querySelector(".counts"), counts.join(" · "));
  });
  say(at("found"), state.sought ? word("found", { n: fitting, all: RECORDS.length }) : "");
}

function openDocument(doc, { toHit = false } = {}) {
  const record = RECORDS[doc];
  entries[state.doc]?.button.removeAttribute("aria-current");
  entries[doc].button.setAttribute("aria-current", "true");
  entries[doc].item.scrollIntoView({ block: "nearest" });
  if (doc !== state.doc || !painter) unlight();
  state.doc = doc;
  showReport(record);
  if (state.filters.doc !== null && state.filters.doc !== doc) {
    state.filters.doc = doc;
    state.filters.unit = state.filters.place = null; // it may have none of these
    refill();
  }
  const first = markHits();
  at("text").scrollTop = 0;
  if (toHit && first) first.startContainer.parentElement.scrollIntoView({ block: "center" });
}

function showReport(record) {
  const { document: about } = record;
  say(at("name"), title(record));
  const said = [about.issuer, about.region, about.published, about.period?.text, name(about.kind), about.source];
  say(at("about"), said.filter(Boolean).join(" · "));
  const warned = at("warned");
  warned.hidden = !record.warnings.length;
  say(warned.querySelector("summary"), `${name("warnings")} ${record.warnings.length}`);
  warned.querySelector("ul").replaceChildren(...record.warnings.map((one) => make("li", "", `${one.message} (${one.code})`)));
  painter = null;
  const text = at("text");
  if (record.text === undefined) text.replaceChildren(make("p", "notice", word("no_text")));
  else if (!record.text.trim()) text.replaceChildren(make("p", "notice", word("nothing_said")));
  else {
    painter = showText(record, text);
    linkNumbers(record);
  }
}

// Numbers that are facts can be chosen, by the keyboard too.
function linkNumbers(record) {
  for (const fact of record.facts) {
    for (const piece of painter.places.get(keyOf("NUMBER", fact.number))?.slice(0, 1) ?? []) {
      piece.tabIndex = 0;
      piece.setAttribute("role", "button");
    }
  }
}

// Lights what is searched in the text; returns the first place.
function markHits() {
  if (!globalThis.CSS?.highlights) return null;
  CSS.highlights.delete("hit");
  const record = RECORDS[state.doc];
  if (!painter || !state.sought || searched(record).text.length !== record.text.length) return null;
  const found = ranges(painter, hits(searched(record).text, state.sought), state.sought.length);
  if (!found.length) return null;
  CSS.highlights.set("hit", new Highlight(...found));
  return found[0];
}

// -- facts ----------------------------------------------------------------------------------------------------------

function columns() {
  return COLUMNS.filter((column) => column.key !== "document" || state.filters.doc === null);
}

// Filters, sorts and shows the table from its first part.
function refill() {
  shown = choose(ROWS, state.filters, state.sort);
  state.part = 0;
  showFilters();
  showTable();
}

function showFilters() {
  const { filters } = state;
  const all = scope(filters.doc).length;
  for (const key of Object.keys(CHOICES)) {
    const none = document.createElement("option");
    none.value = "";
    say(none, word(`any_${key}`));
    const options = answers(filters.doc, key).map(([answer, count]) => {
      const option = document.createElement("option");
      option.value = `=${answer}`;
      option.selected = answer === filters[key];
      say(option, `${CHOICES[key].call(answer) || word("none")} (${count})`);
      return option;
    });
    at(key).replaceChildren(none, ...options);
  }
  at("indicator").value = filters.words;
  at("confidence").value = String(filters.sure);
  say(at("sure").firstElementChild, word("at_least", { p: filters.sure.toFixed(2) }));
  at("one").setAttribute("aria-pressed", String(filters.doc !== null));
  at("all").setAttribute("aria-pressed", String(filters.doc === null));
  at("desk").classList.toggle("all", filters.doc === null);
  say(at("shown"), word("shown", { n: grouped(String(shown.length)), all: grouped(String(all)) }));
  at("clear").hidden = shown.length === all && !filters.words && !filters.sure;
  at("export").disabled = !shown.length;
}

function showTable(all = false) {
  at("heads").replaceChildren(...columns().map((column) => {
    const head = make("th", `c-${column.key}`);
    const button = make("button", "", word(column.key));
    button.type = "button";
    button.dataset.column = column.key;
    head.scope = "col";
    if (state.sort?.key === column.key) head.setAttribute("aria-sort", state.sort.down ? "descending" : "ascending");
    head.append(button);
    return head;
  }));
  const start = all ? 0 : state.part * PART;
  const rows = all ? shown : shown.slice(start, start + PART);
  at("rows").replaceChildren(...rows.map((row, index) => rowElement(row, start + index, columns())));
  at("none").hidden = shown.length > 0;
  at("pager").hidden = shown.length <= PART;
  say(at("part"), word("part", { n: state.part + 1, all: Math.ceil(shown.length / PART) }));
  at("before").disabled = state.part === 0;
  at("after").disabled = start + PART >= shown.length;
  markRow();
}

function turn(by) {
  state.part += by;
  showTable();
  at("sheet").scrollTop = 0;
}

// Marks the row of the fact that is lit, if the table shows it.
function markRow() {
  for (const row of at("rows").querySelectorAll("[aria-selected]")) row.removeAttribute("aria-selected");
  const index = shown.indexOf(state.row);
  const element = index < 0 ? null : at("rows").querySelector(`[data-index="${index}"]`);
  element?.setAttribute("aria-selected", "true");
  return element;
}

// -- from a fact to its place, and back -----------------------------------------------------------------------------

function unlight() {
  for (const element of lit) element.classList.remove("lit");
  lit = [];
  state.row = null;
  markRow();
  showCard();
}

// Lights a fact in the text, its row in the table, and shows its card. `from` says where it was chosen: what the reader
// looks at does not move.
function light(row, from) {
  if (row.doc !== state.doc) openDocument(row.doc);
  unlight();
  state.row = row;
  if (painter) {
    const keys = [keyOf("sentence", row.fact.sentence)];
    for (const role of SPANS) if (row.fact[role]) keys.push(keyOf(typeOf(role), row.fact[role]));
    lit = keys.flatMap((key) => painter.places.get(key) ?? []);
    for (const element of lit) element.classList.add("lit");
    const number = painter.places.get(keyOf("NUMBER", row.fact.number))?.[0];
    if (from !== "text") number?.scrollIntoView({ block: "center" });
  }
  showCard(); // first, because it takes room from the table
  if (from === "text") bringRow();
  else markRow();
}

// Turns to the part of the table that holds the row.
function bringRow() {
  const index = shown.indexOf(state.row);
  if (index >= 0 && Math.floor(index / PART) !== state.part) {
    state.part = Math.floor(index / PART);
    showTable();
  }
  markRow()?.scrollIntoView({ block: "nearest" });
}

// A number may have several facts: choosing it again goes to the next.
function lightNumber(key) {
  const facts = ROWS.filter((row) => row.doc === state.doc && keyOf("NUMBER", row.fact.number) === key);
  if (facts.length) light(facts[(facts.indexOf(state.row) + 1) % facts.length], "text");
}

// Lights a statement from its mark in the margin, and puts it out when it is chosen again.
function lightStatement(key) {
  const pieces = painter.places.get(key);
  const on = pieces[0].classList.contains("lit");
  unlight();
  if (on) return;
  lit = pieces;
  for (const element of lit) element.classList.add("lit");
  const said = painter.waiting.find((layer) => layer.key === key);
  const head = make("p", "head");
  head.append(make("b", "", name(said.type)), make("span", "quiet", sureness(said.confidence)));
  const quoted = make("blockquote", "");
  const spans = painter.waiting.filter((layer) => layer.sort === "span");
  new Painter(painter.record, spans).paint(said.start, said.end, quoted);
  at("card").replaceChildren(head, quoted, make("p", "quiet where", title(painter.record)));
}

// The card: the number, what it says, and the sentence that it stands in.
function showCard() {
  const { row } = state;
  const card = at("card");
  if (!row) {
    card.replaceChildren(make("p", "notice", word("choose")));
    return;
  }
  const { record, fact } = row;
  const head = make("p", "head");
  head.append(make("b", "", fact.indicator), make("strong", "", quote(record, fact.number)));
  const value = fact.value ? `${amount(fact.value)} ${fact.value.unit}`.trim() : word("no_value");
  const told = [value, name(fact.status), name(fact.kind), sureness(fact.confidence)];
  head.append(make("span", "quiet", told.filter(Boolean).join(" · ")));
  const parts = [head];
  if (record.text !== undefined) parts.push(cardSentence(row));
  const pieces = make("p", "pieces");
  for (const role of SPANS.filter((one) => fact[one])) {
    const piece = make("span", `piece ${typeOf(role)}`);
    piece.append(make("small", "", name(role === "base" ? "base" : typeOf(role))), make("span", "", quote(record, fact[role])));
    pieces.append(piece);
  }
  parts.push(pieces);
  const where = [title(record), ...fact.section, fact.page === undefined ? "" : word("page", { n: fact.page })];
  parts.push(make("p", "quiet where", where.filter(Boolean).join(" › ")));
  const same = ROWS.filter((one) => one.doc === row.doc && keyOf("NUMBER", one.fact.number) === keyOf("NUMBER", fact.number));
  if (same.length > 1) parts.push(make("p", "quiet", word("nth", { n: same.indexOf(row) + 1, all: same.length })));
  if (!shown.includes(row)) {
    const notice = make("p", "quiet", word("hidden"));
    const button = make("button", "", word("clear"));
    button.type = "button";
    button.addEventListener("click", () => { clearFilters(); bringRow(); showCard(); });
    notice.append(button);
    parts.push(notice);
  }
  card.replaceChildren(...parts);
}

function cardSentence({ record, fact }) {
  const quoted = make("blockquote", "");
  const spans = SPANS.filter((role) => fact[role]).map((role) => {
    const type = typeOf(role);
    return { sort: "span", type, key: keyOf(type, fact[role]), start: fact[role].start, end: fact[role].end };
  });
  spans.sort((a, b) => a.start - b.start || b.end - a.end);
  new Painter(record, spans).paint(fact.sentence.start, fact.sentence.end, quoted);
  return quoted;
}

function clearFilters() {
  Object.assign(state.filters, { words: "", sure: 0, status: null, kind: null, unit: null, place: null });
  refill();
}

// -- words and legend -----------------------------------------------------------------------------------------------

function speak() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-word]")) say(element, word(element.dataset.word));
  for (const element of document.querySelectorAll("[data-label]")) {
    const key = element.dataset.label;
    element.setAttribute("aria-label", DATA.words[key] ? word(key) : name(key));
  }
  for (const element of document.querySelectorAll("[data-hint]")) {
    element.placeholder = word(element.dataset.hint);
    element.setAttribute("aria-label", element.placeholder);
  }
  at("language").lang = language === "zh" ? "en" : "zh-CN";
  document.title = visible(DATA.title ?? word("title"));
  say(at("title"), document.title);
  say(at("sum"), word("sum", { documents: grouped(String(RECORDS.length)), facts: grouped(String(ROWS.length)) }));
  for (const button of at("legend").children) say(button, name(button.dataset.type));
}

function drawLegend() {
  at("legend").append(...[...DATA.types, ...DATA.roles].map((type) => {
    const button = make("button", `key ${type} ${DATA.roles.includes(type) ? "role" : "type"}`);
    button.type = "button";
    button.dataset.type = type;
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      at("text").classList.toggle(`no-${type}`, !on);
    });
    return button;
  }));
}

// -- what the reader does -------------------------------------------------------------------------------------------

// Waits until the reader has stopped typing for a moment.
function soon(work) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, 120);
  };
}

function onKey(event, work) {
  if (event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  work(event);
}

function fromRow(event) {
  const element = event.target.closest("tr[data-index]");
  if (element) light(shown[Number(element.dataset.index)], "table");
}

function fromText(event) {
  const initialMark = event.target.closest(".initial");
  if (initialMark) {
    lightStatement(initialMark.dataset.key);
    return;
  }
  const number = event.target.closest("mark.NUMBER");
  if (number) lightNumber(number.dataset.key);
}

function wire() {
  at("language").addEventListener("click", () => {
    language = language === "zh" ? "en" : "zh";
    showAll();
  });
  at("browse").addEventListener("click", () => browse(!at("desk").classList.contains("browsing")));
  at("find").addEventListener("input", soon(() => {
    state.sought = at("find").value.trim().toLowerCase();
    listDocuments();
    markHits();
  }));
  at("indicator").addEventListener("input", soon(() => {
    state.filters.words = at("indicator").value.trim();
    refill();
  }));
  at("confidence").addEventListener("input", soon(() => {
    state.filters.sure = Number(at("confidence").value);
    refill();
  }));
  for (const key of Object.keys(CHOICES)) {
    at(key).addEventListener("change", () => {
      state.filters[key] = at(key).value === "" ? null : at(key).value.slice(1);
      refill();
    });
  }
  for (const [id, doc] of [["one", () => state.doc], ["all", () => null]]) {
    at(id).addEventListener("click", () => {
      state.filters.doc = doc();
      refill();
      bringRow();
    });
  }
  at("clear").addEventListener("click", clearFilters);
  at("before").addEventListener("click", () => turn(-1));
  at("after").addEventListener("click", () => turn(1));
  at("heads").addEventListener("click", (event) => {
    const key = event.target.closest("button")?.dataset.column;
    if (!key) return;
    // up, down, as in the documents
    if (state.sort?.key !== key) state.sort = { key, down: false };
    else state.sort = state.sort.down ? null : { key, down: true };
    refill();
    at("heads").querySelector(`[data-column="${key}"]`).focus();
  });
  at("rows").addEventListener("click", fromRow);
  at("rows").addEventListener("keydown", (event) => {
    onKey(event, fromRow);
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    const next = step && event.target[step];
    if (!next) return;
    event.preventDefault();
    next.focus();
    light(shown[Number(next.dataset.index)], "table");
  });
  at("text").addEventListener("click", fromText);
  at("text").addEventListener("keydown", (event) => {
    if (event.target.matches("mark")) onKey(event, fromText);
  });
  at("export").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv(shown)], { type: "text/csv;charset=utf-8" }));
    link.download = "facts.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  new ResizeObserver(() => settle(near)).observe(at("text")); // other lines, other neighbours
  addEventListener("beforeprint", () => {
    showTable(true); // paper has no pages to turn
    settle(at("text").querySelectorAll(".block"));
  });
  addEventListener("afterprint", () => showTable());
}

function showAll() {
  speak();
  listDocuments();
  const { row } = state;
  if (RECORDS.length) openDocument(state.doc);
  else say(at("text"), word("empty"));
  const { part } = state;
  refill();
  if (part) turn(part);
  if (row) light(row, "");
  else showCard();
}

at("list").append(...entries.map((entry) => entry.item));
at("desk").classList.toggle("single", RECORDS.length < 2);
drawLegend();
wire();
showAll();
