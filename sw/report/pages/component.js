const c = result;
const errors = c.errors;
$("title").textContent = c.name;
$("lead").textContent = `${c.width_a} x ${c.width_b} bits, ${c.signed ? "signed" : "unsigned"} (by ${c.signed_from})` +
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
const [sizeA, sizeB] = [2 ** c.width_a, 2 ** c.width_b];
const valueA = (index) => index - (c.signed ? sizeA / 2 : 0);
const valueB = (index) => index - (c.signed ? sizeB / 2 : 0);
const entry = (a, b) => {
  const product = further.lut[(a & (sizeA - 1)) * sizeB + (b & (sizeB - 1))];
  return c.signed ? product : product & 65535;
};
// White where exact, else blue (too small) or red (too large), stronger with the error's square root.
const strength = (e, largest) => e === 0 ? 0 : 0.15 + 0.85 * Math.sqrt(Math.abs(e) / largest);
const colourOf = (e, largest) => (e < 0 ? [31, 95, 191] : [179, 38, 30])
  .map((channel) => Math.round(255 + strength(e, largest) * (channel - 255)));
function paint(canvas, width, height, errorAt, largest) {
  canvas.width = width;
  canvas.height = height;
  const g = canvas.getContext("2d");
  const image = g.createImageData(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) image.data.set([...colourOf(errorAt(x, y), largest), 255], 4 * (y * width + x));
  }
  g.putImageData(image, 0, 0);
}
function ticks(id, values, digits = 0) {
  $(id).replaceChildren(...values.map((v) => {
    const tick = document.createElement("span");
    tick.textContent = number(v, digits);
    return tick;
  }));
}
function drawMap() {
  const errorOf = (a, b) => entry(a, b) - a * b;
  let least = 0;
  let largest = 0;
  let worst = [valueA(0), valueB(0)];
  let coloured = 0;
  for (let x = 0; x < sizeA; x++) {
    for (let y = 0; y < sizeB; y++) {
      const e = errorOf(valueA(x), valueB(y));
      if (e !== 0) coloured++;
      if (Math.abs(e) > Math.abs(errorOf(...worst))) worst = [valueA(x), valueB(y)];
      least = Math.min(least, e);
      largest = Math.max(largest, e);
    }
  }
  const range = Math.max(-least, largest, 1);
  const canvas = $("map");
  canvas.style.aspectRatio = `${Math.max(sizeA, sizeB / 4)} / ${Math.max(sizeB, sizeA / 4)}`;
  paint(canvas, sizeA, sizeB, (x, y) => errorOf(valueA(x), valueB(sizeB - 1 - y)), range);
  const quarters = (value, size) => [0, 1, 2, 3, 4].map((k) => value(Math.min(size - 1, k * size / 4)));
  ticks("ticks-a", quarters(valueA, sizeA));
  ticks("ticks-b", quarters(valueB, sizeB));
  paint($("scale"), 201, 1, (x) => Math.sign(x - 100) * range * ((x - 100) / 100) ** 2, range);
  ticks("scale-ticks", [-range, -range / 4, 0, range / 4, range], range < 8 ? 2 : 0);
  $("scale-box").hidden = coloured === 0;
  $("all-exact").hidden = coloured > 0;
  $("least").textContent = number(least, 0);
  $("largest").textContent = number(largest, 0);
  for (const [id, value, size] of [["a", valueA, sizeA], ["b", valueB, sizeB]]) {
    $(id).min = value(0);
    $(id).max = value(size - 1);
    $(id).addEventListener("input", read);
  }
  function read() {
    const [a, b] = [$("a").valueAsNumber, $("b").valueAsNumber];
    $("reading").textContent = $("a").validity.valid && $("b").validity.valid && Number.isInteger(a + b)
      ? `${a} × ${b} = ${a * b}, here ${entry(a, b)}: error ${errorOf(a, b)}`
      : `expected a in ${$("a").min}..${$("a").max}, b in ${$("b").min}..${$("b").max}`;
  }
  function show(a, b) {
    $("a").value = a;
    $("b").value = b;
    read();
  }
  show(...worst);
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    const at = (offset, extent, size) => Math.min(size - 1, Math.max(0, Math.floor(offset / extent * size)));
    show(valueA(at(event.clientX - box.left, box.width, sizeA)),
      valueB(sizeB - 1 - at(event.clientY - box.top, box.height, sizeB)));
  };
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  document.documentElement.setAttribute("data-coloured", String(coloured));
}
if (further.lut.length > 0) {
  drawMap();
} else {
  $("map-box").hidden = true;
  $("no-map").hidden = false;
  $("no-map").textContent = `No map: ${c.width_a} x ${c.width_b}-bit operands have no table.`;
}

const used = [errors.histogram_negative, errors.histogram_positive].map((h) => h.reduce((last, n, k) => n > 0 ? k : last, 0));
const bins = Array.from({length: Math.max(...used) + 1}, (_, k) => k);
const pairs = 2 ** (c.width_a + c.width_b);
stackedBars("histogram", bins.map((k) => k === 0 ? "1" : `${number(2 ** k, 0)} – ${number(2 ** (k + 1) - 1, 0)}`), [
  {label: "too small", data: bins.map((k) => 100 * errors.histogram_negative[k] / pairs), backgroundColor: hue.blue},
  {label: "too large", data: bins.map((k) => 100 * errors.histogram_positive[k] / pairs), backgroundColor: hue.red},
], "size of the error", `% of products; ${percent(1 - errors.ep)} are exact`);

// Name and unit of each metric; shares are shown in %.
const metrics = {
  mae: ["mean absolute error, MAE", "ulp"],
  wce: ["largest absolute error, WCE", "ulp"],
  mse: ["mean squared error, MSE", "ulp²"],
  ep: ["share of wrong products, EP", "%"],
  mre_nonzero: ["mean relative error, MRE, non-zero products", "%"],
  mre_all: ["mean relative error, MRE, all", "%"],
  wcre_nonzero: ["largest relative error, WCRE, non-zero products", "%"],
  wcre_all: ["largest relative error, WCRE, all", "%"],
  bias: ["mean error, bias", "ulp"],
  variance: ["variance of the error", "ulp²"],
  std_dev: ["standard deviation of the error", "ulp"],
  nmed: ["MAE over the largest exact product, NMED", "%"],
  hd: ["Hamming distance, sum over all pairs", "bits"],
  mae_percent: ["MAE over the number of pairs", "%"],
  wce_percent: ["WCE over the number of pairs", "%"],
  zero_operand_ep: ["share of wrong products by 0", "%"],
  zero_operand_wce: ["largest product by 0", "ulp"],
  noncommuting: ["share of pairs whose swapped product differs", "%"],
};
const figure = (v) => v === null ? "–" : Number.isInteger(v) ? number(v, 0) : Number(v).toPrecision(6);
fill($("metrics"), ["metric", "value", "unit", "in result.json"], Object.entries(errors)
  .filter(([, v]) => v === null || typeof v === "number").map(([key, v]) => {
    const [name, unit] = metrics[key];
    return {cells: [name, figure(unit === "%" && v !== null && !key.endsWith("_percent") ? 100 * v : v), unit, "errors." + key]};
  }));
const costs = ["area_um2", "delay_ns", "leakage_nw", "energy_per_op_fj", "energy_parts_fj", "net_toggles_per_op",
  "glitches", "leakage_without_states_nw", "delay_sweep", "at_operands", "cells"];
const some = (keys) => flat(Object.fromEntries(keys.filter((k) => k in c).map((k) => [k, c[k]])));
fill($("cost"), ["quantity", "value", "unit"], some(costs)
  .map(([key, v]) => { const [name, unit] = spoken(key); return {cells: [name, shown(v), unit]}; }));
fillMade(some(["signed", "signed_from", "warnings", "parameters", "held", "sources", "liberty", "liberty_sha256", "lut_sha256",
  "rtl_check", "proof", "activity", "assumptions", "tools"]));
drawn($("metrics").tBodies[0].rows.length, "histogram");
