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

// Charts. Each point and bar carries its name; colour alone says nothing.
Chart.defaults.font.family = 'system-ui, "DejaVu Sans", sans-serif';
Chart.defaults.color = "#5b6675";
Chart.defaults.animation = false;
const pointNames = {
  id: "pointNames",
  afterDatasetsDraw(chart) {
    const g = chart.ctx;
    g.save();
    g.font = "12px system-ui, 'DejaVu Sans', sans-serif";
    g.fillStyle = "#1c2430";
    const drawn = [];  // a name that would lie over another is left to the tooltip
    chart.data.datasets.forEach((set, s) => chart.getDatasetMeta(s).data.forEach((point, i) => {
      const text = set.data[i].label;
      const width = g.measureText(text).width;
      const left = point.x + 10 + width > chart.chartArea.right;
      const box = {x: point.x + (left ? -10 - width : 10), y: point.y - 6, width, height: 12};
      if (drawn.some((b) => box.x < b.x + b.width && b.x < box.x + box.width &&
          box.y < b.y + b.height && b.y < box.y + box.height)) return;
      drawn.push(box);
      g.textAlign = left ? "right" : "left";
      g.fillText(text, point.x + (left ? -10 : 10), point.y + 4);
    }));
    g.restore();
  },
};

// What the page's test reads: pixels of each chart that are not blank.
function inked(canvas) {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 0) count++;
  return count;
}
