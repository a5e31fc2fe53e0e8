// What the page holds and how it is read: the records, words in two languages, offsets, and the table as CSV.
// Nothing here touches what is shown.

const DATA = JSON.parse(document.getElementById("data").textContent);
const RECORDS = DATA.records;
let language = DATA.language;

// One row a fact. `low` and `high` are decimal digits as text; `size` is for comparing only.
const ROWS = RECORDS.flatMap((record, doc) =>
  record.facts.map((fact) => ({ doc, record, fact, size: size(fact.value), sure: share(fact.confidence) })));

function size(value) {
  return value ? Number(value.low ?? value.high) : NaN;
}

function share(confidence) {
  return confidence === undefined ? NaN : Number(confidence);
}

// -- words ----------------------------------------------------------------------------------------------------------

// A word of the page, with {n} and the like filled in.
function word(key, values = {}) {
  return DATA.words[key][language].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

// What a type, role, status or kind is called; what has no name is called what it is.
function name(key) {
  return DATA.names[key]?.[language] ?? key;
}

// Text as it may be shown: signs that steer (of control, of writing direction) become one visible sign each, so that
// no document can turn the page's words around, and offsets stay.
function visible(text) {
  return text
    .replace(/[\t\v\f\r]/g, " ")
    .replace(/[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, "\ufffd");
}

function title(record) {
  return record.document.title ?? record.document.source.split("/").at(-1);
}

// -- offsets --------------------------------------------------------------------------------------------------------

// Records count code points, JavaScript counts UTF-16 units: a sign beyond U+FFFF is two of them. Such signs are few, so
// it is enough to know where they stand.
function wide(record) {
  if (!record.wide) {
    record.wide = [];
    if (/[\ud800-\udbff]/.test(record.text)) {
      let point = 0;
      for (const sign of record.text) {
        if (sign.length === 2) record.wide.push(point);
        point += 1;
      }
    }
  }
  return record.wide;
}

// Where a code point offset stands in the JavaScript string.
function unit(record, offset) {
  const before = wide(record);
  let low = 0;
  let high = before.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before[middle] < offset) low = middle + 1;
    else high = middle;
  }
  return offset + low;
}

function slice(record, start, end) {
  return record.text.slice(unit(record, start), unit(record, end));
}

// What a span quotes; records without text carry the quotations themselves.
function quote(record, span) {
  if (!span) return "";
  return span.text ?? slice(record, span.start, span.end);
}

function sentence(row) {
  const { start, end } = row.fact.sentence;
  return row.record.text === undefined ? "" : slice(row.record, start, end);
}

function place(row) {
  return row.fact.place?.name ?? quote(row.record, row.fact.place);
}

// -- CSV: the columns and rules of facts.csv (writers/facts.py) -----------------------------------------------------

for (const column of DATA.csv.columns) column.path = column.field.split(".");

function csv(rows) {
  const lines = [DATA.csv.columns.map((column) => column.heading), ...rows.map(cells)];
  return "\ufeff" + lines.map((line) => line.map(quoted).join(",") + "\r\n").join("");
}

function cells(row) {
  return DATA.csv.columns.map((column) => {
    const found = look(row, column.path);
    if (found === undefined) return "";
    if (column.number) return String(found);
    const words = Array.isArray(found) ? found.join(" / ") : column.labels[found] ?? found;
    return guard(clean(words));
  });
}

// Follows a dotted path, as far as it is known.
function look(row, [first, ...path]) {
  if (first === "sentence") return sentence(row);
  let found = first === "document" ? row.record.document : row.fact;
  for (const step of path) {
    const whole = found;
    found = found?.[step];
    if (step === "text" && found === undefined && whole) found = quote(row.record, whole);
  }
  return found;
}

function clean(words) {
  return words.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
}

// No spreadsheet shall take a text for a formula.
function guard(words) {
  return words && DATA.csv.formula.includes(words[0]) ? `'${words}` : words;
}

function quoted(cell) {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
