// What every page of Lutra uses.
const result = JSON.parse(document.getElementById("result").textContent);
const $ = (id) => document.getElementById(id);
const number = (x, digits) => x === null || x === undefined ? "–"
  : Number(x).toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
const percent = (x) => number(100 * x, 2) + " %";

// How a netlist was compared with its source.
const checked = (check) => check === null ? "a table: no source" : check.result === "equal"
  ? {text: `equal, ${check.exhaustive ? "all " : ""}${check.pairs.toLocaleString("en")} pairs` +
      (check.undefined_bits > 0 ? `, ${check.undefined_bits.toLocaleString("en")} bits undefined` : ""), className: "match"}
  : {text: `${check.result}: ${check.reason}`, className: "mismatch"};

// Tables are built from text nodes only: names come from users.
function fill(table, header, rows) {
  const head = table.createTHead().insertRow();
  for (const text of header) {
    const cell = document.createElement("th");
    cell.textContent = text;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const tr = body.insertRow();
    if (row.className) tr.className = row.className;
    for (const value of row.cells) {
      const td = tr.insertCell();
      if (value && value.className) td.className = value.className;
      td.textContent = value && value.text !== undefined ? value.text : value;
    }
  }
}

function fact(value, label, className) {
  const box = document.createElement("div");
  box.className = "fact";
  const big = document.createElement("b");
  big.textContent = value;
  if (className) big.className = className;
  const small = document.createElement("span");
  small.textContent = label;
  box.append(big, small);
  $("facts").append(box);
}

// Those that no other point equals or beats in both: least x and least y.
function paretoFront(points) {
  const sorted = [...points].sort((p, q) => p.x - q.x || p.y - q.y);
  let best = Infinity;
  return sorted.filter((p) => { const keep = p.y < best; if (keep) best = p.y; return keep; });
}

// Charts. Each point and bar carries its name; colour alone says nothing.
Chart.defaults.font.family = 'system-ui, "DejaVu Sans", sans-serif';
Chart.defaults.animation = false;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
function useColours() {
  Chart.defaults.color = colour("soft");
  Chart.defaults.borderColor = colour("line");
  for (const chart of Object.values(Chart.instances)) chart.update("none");
}
useColours();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", useColours);
// Paper is white, and folds nothing.
window.addEventListener("beforeprint", () => {
  document.documentElement.classList.add("printing");
  for (const details of document.querySelectorAll("details")) details.open = true;
  useColours();
});
window.addEventListener("afterprint", () => {
  document.documentElement.classList.remove("printing");
  useColours();
});
const pointNames = {
  id: "pointNames",
  afterDatasetsDraw(chart) {
    const g = chart.ctx;
    g.save();
    g.font = "12px system-ui, 'DejaVu Sans', sans-serif";
    g.fillStyle = colour("ink");
    const points = chart.data.datasets.flatMap((set, s) => chart.getDatasetMeta(s).data.map((point, i) =>
      ({x: point.x, y: point.y, text: set.data[i].label})));
    const taken = points.map((p) => ({x: p.x - 6, y: p.y - 6, width: 12, height: 12}));
    const area = chart.chartArea;
    const free = (box) => box.x >= area.left && box.x + box.width <= area.right && box.y >= area.top &&
      box.y + box.height <= area.bottom && !taken.some((t) => box.x < t.x + t.width &&
        t.x < box.x + box.width && box.y < t.y + t.height && t.y < box.y + box.height);
    // Beside the point, else above or below it, else further away at the end of a line.
    g.textBaseline = "middle";
    for (const p of points.filter((q) => q.text)) {
      const width = g.measureText(p.text).width;
      const places = [0, 14, 28, 42, 56].flatMap((d) => (d === 0 ? [0] : [-d, d]).flatMap((dy) => [
        {x: p.x + 10, y: p.y + dy - 6, far: d > 14}, {x: p.x - 10 - width, y: p.y + dy - 6, far: d > 14}]));
      const place = places.find((at) => free({x: at.x, y: at.y, width, height: 12}));
      if (!place) continue;  // the tooltip and the table name it
      taken.push({x: place.x, y: place.y, width, height: 12});
      g.fillText(p.text, place.x, place.y + 6);
      if (!place.far) continue;
      g.beginPath();
      g.moveTo(p.x, p.y);
      g.lineTo(place.x < p.x ? place.x + width + 2 : place.x - 2, place.y + 6);
      g.strokeStyle = colour("soft");
      g.lineWidth = 0.5;
      g.stroke();
    }
    g.restore();
  },
};

// "energy_parts_fj.input_nets" of a result, and its unit, in words.
const units = {um2: "µm²", ns: "ns", nw: "nW", fj: "fJ", nj: "nJ", v: "V", s: "s"};
function spoken(path) {
  let unit = "";
  const words = path.split(".").map((key) => {
    const [, name, found] = /^(.*?)(?:_(um2|ns|nw|fj|nj|v|s))?$/.exec(key);
    if (found) unit = units[found];
    return name.replaceAll("_", " ");
  });
  return [words.join(": "), unit];
}
const flat = (object) => Object.entries(object).flatMap(([key, v]) => v !== null && typeof v === "object"
  ? flat(v).map(([inner, w]) => [`${key}.${inner}`, w]) : [[key, v]]);
const shown = (v) => v === null ? "unknown" : typeof v === "number" && !Number.isInteger(v) ? Number(v).toPrecision(6) : String(v);

// The command, its date, and the versions of Lutra and of the tools.
function fillMade(further) {
  const rows = [["command", result.made.command], ["date", result.made.date]]
    .concat(Object.entries(result.made.versions), further);
  fill($("made"), ["what", "value"], rows.map(([key, v]) => ({cells: [key, shown(v)]})));
}

// What the page's test reads: pixels of each chart that are not blank.
function inked(canvas) {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 0) count++;
  return count;
}
