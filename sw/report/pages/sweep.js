const rows = result.rows;
for (const r of rows) r.energy_with_glitches_fj = r.glitches.energy_per_op_fj;
const costs = {energy_per_op_fj: "energy, fJ an operation", energy_with_glitches_fj: "energy with glitches, fJ an operation", area_um2: "area, µm²", delay_ns: "delay, ns",
  leakage_nw: "leakage, nW"};
const metrics = {mre_nonzero: "mean relative error", mae: "mean absolute error", wce: "largest error", mse: "mean squared error",
  ep: "share of wrong products", nmed: "normalised mean error distance", bias: "size of the mean error",
  std_dev: "standard deviation of the error", wcre_nonzero: "largest relative error", hd: "Hamming distance"};
$("title").textContent = "Multipliers";
$("lead").textContent = `${rows.length} multipliers in ${result.liberty.name}, each from its synthesised netlist.`;
fact(String(rows.length), "multipliers");
fact(String(new Set(rows.map((r) => r.name.split(":")[0])).size), "families");
fact(String(rows.filter((r) => r.rtl_check === "equal").length), "compared with their source by a second front end");

for (const [id, choices] of [["cost", costs], ["metric", metrics]]) {
  for (const [key, text] of Object.entries(choices)) {
    const option = document.createElement("option");
    option.value = key;
    option.textContent = text;
    $(id).append(option);
  }
}
const cells = (r) => [r.name, number(r.area_um2, 0), number(r.delay_ns, 2), number(r.energy_per_op_fj, 0),
  number(r.energy_with_glitches_fj, 0), ...errorCells(r.errors), r.rtl_check];
const header = ["multiplier", "area µm²", "delay ns", "energy fJ/op", "with glitches", ...errorHeader, "source"];
fill($("rows"), header, rows.map((r) => ({cells: cells(r)})));
fillMade(seedAndLibrary("cell library"));

let chart = null;
function draw() {
  const cost = $("cost").value;
  const metric = $("metric").value;
  const logarithmic = $("logarithmic").checked;
  const all = rows.map((r) => ({x: r[cost], y: Math.abs(r.errors[metric]), label: r.name, row: r}));
  const front = paretoFront(all);
  // Zero has no logarithm: exact multipliers stand at the foot of the axis.
  const least = Math.min(...all.map((p) => p.y).filter((y) => y > 0));
  const placed = (p) => ({...p, y: logarithmic && p.y === 0 ? least / 3 : p.y});
  if (chart) chart.destroy();
  chart = scatter("pareto", [
    {label: "Pareto front", data: front.map(placed), backgroundColor: hue.blue, borderColor: hue.blue,
      showLine: true, stepped: "before", borderWidth: 1, pointRadius: 6, pointStyle: "rectRot"},
    {label: "others", data: all.filter((p) => !front.includes(p)).map((p) => ({...placed(p), label: ""})),
      backgroundColor: hue.pale, pointRadius: 4},
  ], costs[cost], metrics[metric],
  (p) => `${p.row.name}: ${number(p.x, 2)}, ${Number(Math.abs(p.row.errors[metric])).toPrecision(4)}`,
  logarithmic ? "logarithmic" : "linear");
  $("pareto-note").textContent = `Lower left is better; ${front.length} of ${rows.length} are on the front.` +
    (logarithmic ? " Exact multipliers are drawn at the foot of the axis." : "");
  $("front").replaceChildren();
  fill($("front"), header, front.map((p) => ({cells: cells(p.row)})));
}
for (const id of ["cost", "metric", "logarithmic"]) $(id).addEventListener("change", draw);
draw();
drawn(rows.length, "pareto");
