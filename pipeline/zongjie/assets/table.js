// The table of facts: which rows there are, their order, and how a row looks.

const PART = 100; // rows shown at a time
const SIGNS = { "=": "", "~": "≈ ", ">=": "≥ ", ">": "> ", "<=": "≤ ", "<": "< ", "-": "" };
const ARROWS = { up: "↑ ", down: "↓ " };
const order = new Intl.Collator("zh-CN", { numeric: true });

// `show` gives the cell's words and `more` what stands small below them; `rank` is what it is ordered by, if not its words.
const COLUMNS = [
  { key: "document", show: (row) => title(row.record) },
  { key: "indicator", show: (row) => row.fact.indicator },
  { key: "number", show: (row) => quote(row.record, row.fact.number), more: reckoned, rank: (row) => row.size },
  { key: "time", show: (row) => quote(row.record, row.fact.time), rank: begins },
  { key: "place", show: place },
  { key: "status", show: (row) => name(row.fact.status) },
  { key: "kind", show: (row) => (ARROWS[row.fact.kind] ?? "") + name(row.fact.kind) },
  { key: "confidence", show: (row) => (Number.isNaN(row.sure) ? "" : row.sure.toFixed(2)), rank: (row) => row.sure },
];

function begins({ fact }) {
  const period = fact.time?.period;
  return period?.start ?? period?.end ?? "";
}

// What can be chosen from: how a row answers, and what an answer is called.
const CHOICES = {
  status: { of: (row) => row.fact.status, call: name },
  kind: { of: (row) => row.fact.kind, call: name },
  unit: { of: (row) => row.fact.value?.unit ?? "", call: (unit) => unit },
  place: { of: place, call: (place) => place },
};

// A value in digits, with its bound; all digits as they stand in the record.
function amount(value) {
  if (!value) return "";
  const { low, high, flag } = value;
  const both = low !== undefined && high !== undefined && low !== high ? `${grouped(low)}–${grouped(high)}` : grouped(low ?? high ?? "");
  return SIGNS[flag] + both;
}

// The value and its unit, where they are not what is written anyway.
function reckoned({ record, fact }) {
  if (!fact.value) return "";
  const plain = (words) => words.replace(/[\s,，]/g, "");
  const said = `${amount(fact.value)} ${fact.value.unit}`.trim();
  return plain(said) === plain(quote(record, fact.number)) ? "" : said;
}

function grouped(digits) {
  const [whole, rest] = digits.split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest === undefined ? "" : `.${rest}`);
}

// The rows that fit, in the order wanted. filters: {doc, words, sure, status, kind, unit, place}; what is null fits all.
function choose(rows, filters, sort) {
  const words = filters.words.toLowerCase();
  const asked = Object.entries(CHOICES).filter(([key]) => filters[key] !== null);
  const kept = rows.filter((row) =>
    (filters.doc === null || row.doc === filters.doc)
    && (!words || row.fact.indicator.toLowerCase().includes(words))
    && !(row.sure < filters.sure) // one that is not known fits
    && asked.every(([key, choice]) => choice.of(row) === filters[key]));
  if (!sort) return kept;
  const column = COLUMNS.find((one) => one.key === sort.key);
  const ranked = kept.map((row) => [column.rank ? column.rank(row) : column.show(row), row]);
  const missing = (rank) => rank === "" || Number.isNaN(rank);
  const compare = (a, b) => (typeof a === "number" ? a - b : order.compare(a, b)) * (sort.down ? -1 : 1);
  // what is not known comes last either way
  ranked.sort(([a], [b]) => Number(missing(a)) - Number(missing(b)) || (missing(a) ? 0 : compare(a, b)));
  return ranked.map(([, row]) => row);
}

// The rows of a document, or all.
function scope(doc) {
  return doc === null ? ROWS : ROWS.filter((row) => row.doc === doc);
}

// The answers that the rows of a scope give to a choice, with how many give them, the most frequent first.
const answered = new Map();

function answers(doc, key) {
  const asked = `${key}:${doc}`;
  if (!answered.has(asked)) {
    const counts = new Map();
    for (const row of scope(doc)) {
      const answer = CHOICES[key].of(row);
      counts.set(answer, (counts.get(answer) ?? 0) + 1);
    }
    answered.set(asked, [...counts].sort(([a, m], [b, n]) => n - m || order.compare(a, b)));
  }
  return answered.get(asked);
}

function rowElement(row, index, columns) {
  const element = document.createElement("tr");
  element.tabIndex = 0;
  element.dataset.index = String(index);
  if (row.fact.status === "target") element.className = "target";
  for (const column of columns) {
    const cell = element.insertCell();
    cell.className = `c-${column.key}`;
    const words = document.createElement("span");
    words.textContent = visible(column.show(row));
    cell.append(words);
    if (column.key === "document") cell.title = words.textContent; // it may be cut short
    const more = column.more?.(row);
    if (more) {
      const below = document.createElement("small");
      below.textContent = visible(more);
      cell.append(below);
    }
  }
  return element;
}
