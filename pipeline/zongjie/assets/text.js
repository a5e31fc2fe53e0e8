// The text of a document as elements: blocks, and in them marks that may nest and cross.

const SPANS = ["number", "metric", "action", "time", "place", "school", "program", "base"]; // of a fact
const typeOf = (role) => (role === "base" ? "NUMBER" : role.toUpperCase());
const LONGEST = 4000; // characters of a paragraph: browsers take very long over longer ones
const keyOf = (type, span) => `${type}:${span.start}:${span.end}`;

// The layers over a record's text, outermost first: sentences, statements, spans.
function layers(record) {
  const found = new Map();
  const add = (sort, type, span, more) => {
    const key = keyOf(type, span);
    if (span.end > span.start && !found.has(key)) {
      found.set(key, { sort, type, key, start: span.start, end: span.end, ...more });
    }
  };
  for (const fact of record.facts) add("sentence", "sentence", fact.sentence);
  for (const role of DATA.roles) {
    for (const [start, end, confidence] of record[role]) add("said", role, { start, end }, { confidence });
  }
  for (const [type, start, end, confidence, called] of record.entities) {
    add("span", type, { start, end }, { confidence, called });
  }
  for (const fact of record.facts) {
    for (const role of SPANS) if (fact[role]) add("span", typeOf(role), fact[role]);
  }
  return [...found.values()].sort((a, b) => a.start - b.start || b.end - a.end);
}

// Paints ranges of a text, given in rising order, into elements. `places` says which elements show a layer: one that
// crosses another, or the end of a block, is shown in several pieces.
class Painter {
  constructor(record, sorted) {
    this.record = record;
    this.waiting = sorted;
    this.next = 0;
    this.open = [];
    this.places = new Map();
    this.pieces = []; // [offset in UTF-16 units, text node]
  }

  paint(start, end, into) {
    let stack = []; // the layers whose elements are open, and these elements
    for (let from = start; from < end;) {
      const [here, to] = this.step(from, end);
      let common = 0;
      while (common < stack.length && stack[common].layer === here[common]) common += 1;
      stack = stack.slice(0, common);
      for (const layer of here.slice(common)) {
        stack.push({ layer, element: this.element(layer, stack.at(-1)?.element ?? into) });
      }
      const node = document.createTextNode(visible(slice(this.record, from, to)));
      this.pieces.push([unit(this.record, from), node]);
      (stack.at(-1)?.element ?? into).append(node);
      from = to;
    }
  }

  // The layers at an offset, and how far nothing begins or ends.
  step(from, end) {
    this.open = this.open.filter((layer) => layer.end > from);
    for (; this.waiting[this.next]?.start <= from; this.next += 1) {
      if (this.waiting[this.next].end > from) this.open.push(this.waiting[this.next]);
    }
    const ends = this.open.map((layer) => layer.end);
    return [this.open, Math.min(end, this.waiting[this.next]?.start ?? end, ...ends)];
  }

  element(layer, into) {
    const element = document.createElement(layer.sort === "span" ? "mark" : "span");
    element.className = `${layer.sort} ${layer.type}`;
    const pieces = this.places.get(layer.key);
    if (pieces) pieces.push(element);
    else this.places.set(layer.key, [element]);
    if (layer.sort === "said" && !pieces) into.append(initial(layer));
    if (layer.sort === "span") {
      element.dataset.key = layer.key;
      element.title = tip(layer);
    }
    into.append(element);
    return element;
  }
}

// The mark in the margin where a statement begins.
function initial(layer) {
  const mark = document.createElement("button");
  mark.type = "button";
  mark.className = `initial ${layer.type}`;
  mark.dataset.key = layer.key;
  mark.dataset.initial = DATA.initials[layer.type][language]; // not text: the text is the document's alone
  mark.title = [name(layer.type), sureness(layer.confidence)].filter(Boolean).join(" · ");
  mark.setAttribute("aria-label", mark.title);
  return mark;
}

// What a span is; `called` is its full name, where that is not what is written.
function tip(layer) {
  return [name(layer.type), visible(layer.called ?? ""), sureness(layer.confidence)].filter(Boolean).join(" · ");
}

function sureness(confidence) {
  return confidence === undefined || confidence === null ? "" : word("uncertain", { p: Number(confidence).toFixed(2) });
}

// Shows a whole document. Returns the painter, which knows where everything is.
function showText(record, into) {
  const painter = new Painter(record, layers(record));
  const whole = document.createDocumentFragment();
  let page;
  let grid = null; // the table that goes on
  for (const block of blocks(record)) {
    if (block.page !== undefined && block.page !== page) {
      page = block.page;
      const line = document.createElement("p");
      line.className = "page";
      line.textContent = word("page", { n: page });
      whole.append(line);
    }
    if (block.kind === "table") {
      if (!grid) {
        grid = document.createElement("table");
        const frame = document.createElement("div");
        frame.className = "block table";
        frame.append(grid);
        whole.append(frame);
      }
      for (const [start, end] of lines(record, block)) paintRow(record, painter, start, end, grid);
      continue;
    }
    grid = null;
    const tag = block.kind === "heading" ? `h${Math.min(6, 2 + (block.level ?? 1))}` : "p";
    for (let start = block.start; start < block.end; start += LONGEST) {
      const element = document.createElement(tag);
      element.className = `block ${block.kind}${start > block.start ? " on" : ""}`;
      painter.paint(start, Math.min(start + LONGEST, block.end), element);
      whole.append(element);
    }
  }
  into.replaceChildren(whole);
  watch(into);
  return painter;
}

// The blocks of a record, and as blocks of no kind what stands between them, in order.
function* blocks(record) {
  let last = 0;
  const end = record.document.chars;
  for (const block of [...record.blocks, { start: end, end }].sort((a, b) => a.start - b.start)) {
    // what only marks the block, such as the # of Markdown, says nothing
    for (const [from, to] of lines(record, { start: last, end: Math.max(last, block.start) })) {
      if (/[\p{L}\p{N}]/u.test(slice(record, from, to))) yield { kind: "", start: from, end: to };
    }
    const start = Math.max(block.start, last);
    if (block.end > start) yield { ...block, start };
    last = Math.max(last, block.end);
  }
}

// The lines of a range, as offsets in code points.
function* lines(record, { start, end }) {
  yield* cut(start, end, slice(record, start, end).split("\n"));
}

// The ranges of pieces that one sign parts.
function* cut(start, end, pieces) {
  let at = start;
  for (const piece of pieces) {
    const length = [...piece].length;
    if (piece.trim()) yield [at, at + length];
    at += length + 1;
  }
}

function paintRow(record, painter, start, end, grid) {
  const words = slice(record, start, end);
  const row = grid.insertRow();
  // cells stand between upright strokes, which some tables have at their edges too
  const parts = words.split("|");
  let at = start;
  parts.forEach((part, index) => {
    const length = [...part].length;
    const edge = (index === 0 || index === parts.length - 1) && !part.trim();
    if (!edge || parts.length === 1) {
      const cell = row.insertCell();
      const before = [...part.slice(0, part.length - part.trimStart().length)].length;
      const after = [...part.trim()].length;
      if (after) painter.paint(at + before, at + before + after, cell);
    }
    at += length + 1;
  });
}

// Marks of the margin that begin on one line stand side by side. Where lines begin is known only of what has been laid
// out, which a browser leaves off for what is far from being seen.
const near = new Set();
let watcher = null;

function watch(into) {
  watcher ??= new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) near[isIntersecting ? "add" : "delete"](target);
    settle(near);
  }, { root: into, rootMargin: "300px" });
  watcher.disconnect();
  near.clear();
  for (const block of into.querySelectorAll(".block:has(.initial)")) watcher.observe(block);
}

function settle(blocks) {
  const marks = [...blocks].map((block) => [...block.querySelectorAll(".initial")]);
  const tops = marks.map((some) => some.map((mark) => mark.getBoundingClientRect().top));
  marks.forEach((some, block) => {
    let slot = 0;
    some.forEach((mark, index) => {
      slot = index > 0 && Math.abs(tops[block][index] - tops[block][index - 1]) < 3 ? slot + 1 : 0;
      mark.style.setProperty("--slot", String(slot));
    });
  });
}

// Where words stand in a text, in UTF-16 units; capital and small letters are one.
function hits(text, sought) {
  const found = [];
  if (!sought) return found;
  for (let at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, at + sought.length)) found.push(at);
  return found;
}

// Ranges of the shown text for hits, for the CSS Custom Highlight API.
function ranges(painter, found, length) {
  const spot = (offset, end) => {
    let low = 0;
    let high = painter.pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (end ? painter.pieces[middle][0] < offset : painter.pieces[middle][0] <= offset) low = middle;
      else high = middle - 1;
    }
    const [start, node] = painter.pieces[low];
    return [node, Math.min(offset - start, node.length)];
  };
  if (!painter.pieces.length) return [];
  return found.map((at) => {
    const range = document.createRange();
    range.setStart(...spot(at, false));
    range.setEnd(...spot(at + length, true));
    return range;
  });
}
