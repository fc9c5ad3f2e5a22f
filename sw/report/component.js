const c = result.component;
const errors = c.errors;
$("name").textContent = c.name;
$("lead").textContent = `${c.width} x ${c.width} bits, ${c.signed ? "signed" : "unsigned"} (by ${c.signed_from})` +
  (c.liberty ? `, synthesised to ${c.liberty}.` : ".");
for (const [key, unit, label, digits] of [["area_um2", "µm²", "area", 0], ["delay_ns", "ns", "delay", 2],
  ["energy_per_op_fj", "fJ", "energy an operation", 0]]) {
  fact(c[key] === null || c[key] === undefined ? "unknown" : `${number(c[key], digits)} ${unit}`, label);
}
fact(percent(errors.mre_nonzero), "mean relative error");
const against = checked(c.rtl_check);
fact(c.rtl_check === null ? "–" : c.rtl_check.result, against.text === undefined ? against : `netlist against its source: ${against.text}`,
  against.className);

// The table's index is the operands' bit patterns, the first one outer; the axes are their values.
const size = 2 ** c.width;
const value = (index) => index - (c.signed ? size / 2 : 0);
const entry = (a, b) => {
  const product = result.lut[(a & (size - 1)) * size + (b & (size - 1))];
  return c.signed ? product : product & 65535;
};
function drawMap() {
  let least = 0;
  let largest = 0;
  const error = new Float64Array(size * size);
  for (let x = 0; x < size; x++) {
    for (let y = 0; y < size; y++) {
      const e = entry(value(x), value(y)) - value(x) * value(y);
      error[(size - 1 - y) * size + x] = e;
      least = Math.min(least, e);
      largest = Math.max(largest, e);
    }
  }
  const canvas = $("map");
  canvas.width = canvas.height = size;
  const g = canvas.getContext("2d");
  const image = g.createImageData(size, size);
  const scale = Math.max(-least, largest, 1);
  let coloured = 0;
  error.forEach((e, i) => {
    const t = e === 0 ? 0 : 0.15 + 0.85 * Math.sqrt(Math.abs(e) / scale);
    const full = e < 0 ? [31, 95, 191] : [179, 38, 30];
    full.forEach((channel, k) => { image.data[4 * i + k] = Math.round(255 + t * (channel - 255)); });
    image.data[4 * i + 3] = 255;
    if (e !== 0) coloured++;
  });
  g.putImageData(image, 0, 0);
  $("least").textContent = number(least, 0);
  $("largest").textContent = number(largest, 0);
  canvas.addEventListener("mousemove", (event) => {
    const box = canvas.getBoundingClientRect();
    const at = (offset, extent) => Math.min(size - 1, Math.max(0, Math.floor(offset / extent * size)));
    const a = value(at(event.clientX - box.left, box.width));
    const b = value(size - 1 - at(event.clientY - box.top, box.height));
    $("reading").textContent = `${a} × ${b} = ${a * b}, here ${entry(a, b)}: error ${entry(a, b) - a * b}`;
  });
  document.documentElement.setAttribute("data-coloured", String(coloured));
}
if (result.lut.length > 0) {
  drawMap();
} else {
  $("map-box").hidden = true;
  $("no-map").hidden = false;
  $("no-map").textContent = `No map: ${c.width}-bit operands have no table.`;
}

const used = [errors.histogram_negative, errors.histogram_positive].map((h) => h.reduce((last, n, k) => n > 0 ? k : last, 0));
const bins = Array.from({length: Math.max(...used) + 1}, (_, k) => k);
const pairs = 4 ** c.width;
new Chart($("histogram"), {
  type: "bar",
  data: {
    labels: bins.map((k) => k === 0 ? "1" : `${number(2 ** k, 0)} – ${number(2 ** (k + 1) - 1, 0)}`),
    datasets: [
      {label: "too small", data: bins.map((k) => 100 * errors.histogram_negative[k] / pairs), backgroundColor: "#1f5fbf"},
      {label: "too large", data: bins.map((k) => 100 * errors.histogram_positive[k] / pairs), backgroundColor: "#b3261e"},
    ],
  },
  options: {
    maintainAspectRatio: false,
    scales: {x: {stacked: true, title: {display: true, text: "size of the error"}},
      y: {stacked: true, title: {display: true, text: `% of products; ${percent(1 - errors.ep)} are exact`}}},
  },
});

const flat = (object) => Object.entries(object).flatMap(([key, v]) => v !== null && typeof v === "object"
  ? flat(v).map(([inner, w]) => [`${key}.${inner}`, w]) : [[key, v]]);
const shown = (v) => v === null ? "unknown" : typeof v === "number" && !Number.isInteger(v) ? Number(v).toPrecision(6) : String(v);
const table = (id, header, rows) => fill($(id), header, rows.map(([key, v]) => ({cells: [key, shown(v)]})));
table("metrics", ["metric", "value"], Object.entries(errors).filter(([, v]) => typeof v === "number"));
const costs = ["area_um2", "delay_ns", "leakage_nw", "energy_per_op_fj", "energy_parts_fj", "net_toggles_per_op",
  "glitches", "leakage_without_states_nw", "delay_sweep", "at_operands", "cells"];
table("cost", ["quantity", "value"], flat(Object.fromEntries(costs.filter((k) => k in c).map((k) => [k, c[k]]))));
const made = ["signed", "signed_from", "warnings", "parameters", "held", "sources", "liberty", "liberty_sha256", "lut_sha256", "rtl_check", "proof", "activity",
  "assumptions", "tools"];
table("made", ["what", "value"], flat(Object.fromEntries(made.filter((k) => k in c).map((k) => [k, c[k]]))));
document.documentElement.setAttribute("data-inked", String(inked($("histogram"))));
document.documentElement.setAttribute("data-points", String($("metrics").tBodies[0].rows.length));
