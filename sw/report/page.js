// What every page of Lutra uses.
const $ = (id) => document.getElementById(id);
// The result that the page shows, how it was made, and what belongs to the page alone.
const {result, made, further} = JSON.parse($("data").textContent);

// Numbers. What is unknown is a dash.
const number = (x, digits) => x === null || x === undefined ? "–"
  : Number(x).toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
const percent = (x) => number(100 * x, 2) + " %";
const share = (x) => x === null ? "–" : number(100 * x, 1) + " %";
const span = (interval, scale, digits, unit) => interval === null ? "–"
  : `${number(scale * interval[0], digits)} to ${number(scale * interval[1], digits)}${unit}`;
const micro = (nano) => nano === null ? null : nano / 1000;

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

// The errors of a multiplier in tables of several.
const errorHeader = ["MAE", "WCE", "EP", "MRE", "bias"];
const errorCells = (errors) => [number(errors.mae, 2), number(errors.wce, 0), percent(errors.ep), percent(errors.mre_nonzero),
  number(errors.bias, 2)];

// What is behind a line that unfolds it.
function folded(line, content) {
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = line;
  details.append(summary, content);
  return details;
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
const hue = {blue: "#1f5fbf", red: "#b3261e", amber: "#b7791f", grey: "#8a94a3", pale: "#aab2bd"};
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

const axis = (text) => text === undefined ? {} : {title: {display: true, text}};
// Points with names; `told` is what is said of one that is pointed at.
const scatter = (id, datasets, x, y, told, scale = "linear") => new Chart($(id), {
  type: "scatter",
  data: {datasets},
  options: {
    maintainAspectRatio: false,
    scales: {x: axis(x), y: {type: scale, ...axis(y)}},
    plugins: {tooltip: {callbacks: {label: (c) => told(c.raw)}}},
  },
  plugins: [pointNames],
});
const stackedBars = (id, labels, datasets, x, y, options = {}) => new Chart($(id), {
  type: "bar",
  data: {labels, datasets},
  options: {maintainAspectRatio: false, scales: {x: {stacked: true, ...axis(x)}, y: {stacked: true, ...axis(y)}}, ...options},
});

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

// The command, its date, the versions of Lutra and of the tools; and the configuration, if there is one.
function fillMade(others, configuration) {
  const all = [["command", made.command], ["date", made.date]].concat(Object.entries(made.versions), others);
  fill($("made"), ["what", "value"], all.map(([key, v]) => ({cells: [key, shown(v)]})));
  if (configuration === undefined) return;
  const text = document.createElement("pre");
  text.textContent = JSON.stringify(configuration, null, 2);
  $("made").closest("section").append(folded("Configuration as resolved", text));
}
const seedAndLibrary = (what) => [["seed", result.seed], [what, result.liberty.name], ["its SHA-256", result.liberty.sha256]];

// What the page's test reads: how many rows arrived, and pixels of each chart that are not blank.
function drawn(rowCount, ...charts) {
  document.documentElement.setAttribute("data-inked", charts.map((id) => inked($(id))).join(" "));
  document.documentElement.setAttribute("data-points", String(rowCount));
}
function inked(canvas) {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 0) count++;
  return count;
}
