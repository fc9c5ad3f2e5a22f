const rows = result.rows;
const chosen = rows[result.chosen];
const exact = rows[result.reference];
const verdicts = rows.filter((r) => r.cosim);
const allMatch = verdicts.length > 0 && verdicts.every((r) => r.cosim.verdict === "match");

$("title").textContent = result.name;
document.title = "Lutra: " + result.name;
$("lead").textContent = `${result.model} on ${result.images.toLocaleString("en")} images of ` +
  `${result.data}; ${result.components.length} multipliers, each from its synthesised netlist.`;
fact(chosen.label, "chosen: least energy within the accuracy budget");
fact(percent(chosen.accuracy), `accuracy (exact: ${percent(exact.accuracy)})`);
fact(number(chosen.energy_per_inference_nj / 1000, 1) + " µJ",
  `an inference (exact: ${number(exact.energy_per_inference_nj / 1000, 1)} µJ)`);
fact(`${number(100 * chosen.multiply_saving, 1)} %`, `multiply energy saved (${span(chosen.multiply_saving_interval, 100, 1, " %")}), ` +
  `${number(100 * chosen.energy_saving, 1)} % of all; against ${result.baseline.name}, the cheapest exact design`);
if (chosen.saving_split !== null) {
  fact(`${number(100 * chosen.saving_split.representation, 1)} + ${number(100 * chosen.saving_split.approximation, 1)} %`,
    `of the two's complement array's multiply energy: number format + approximation`);
}
// What has no RTL was its table there.
const byTable = (c) => c.tables_for_rtl.length === 0 ? "" : "; a table for RTL";
const verdict = verdicts.length === 0 ? "not run" : allMatch ? "match" : "mismatch";
fact(verdict, "RTL against the engine" + (verdicts.length === 0 ? ""
  : `, on ${verdicts.map((r) => r.cosim.images).join(", ")} images`), verdict);

fill($("rows"), ["assignment", "accuracy", "95 %", "loss (95 %)", "energy µJ", "multiply µJ", "multiply saved", "95 %",
  "format + approximation", "all saved", "area µm²", "delay ns", "co-simulation"],
  rows.map((r, i) => ({
    className: i === result.chosen ? "chosen" : "",
    cells: [r.label + (i === result.reference ? " (baseline)" : r.is_exact_design ? " (exact)" : ""), percent(r.accuracy),
      span(r.accuracy_interval, 100, 2, ""), `${number(100 * r.accuracy_loss, 2)} (${span(r.accuracy_loss_interval, 100, 2, "")})`,
      number(micro(r.energy_per_inference_nj), 2), number(micro(r.multiply_energy_nj), 2),
      share(r.multiply_saving), span(r.multiply_saving_interval, 100, 1, ""),
      r.saving_split === null ? "–"
        : `${number(100 * r.saving_split.representation, 1)} + ${number(100 * r.saving_split.approximation, 1)} %`,
      share(r.energy_saving), number(r.area_um2, 0), number(r.delay_ns, 2),
      r.cosim ? {text: `${r.cosim.verdict} (${r.cosim.images} images${byTable(r.cosim)})`, className: r.cosim.verdict} : "–"],
  })));

fill($("components"), ["multiplier", "area µm²", "delay ns", "leakage nW", "energy fJ/op", ...errorHeader,
  "operands", "against its source"],
  result.components.map((c) => ({cells: [c.name, number(c.area_um2, 0), number(c.delay_ns, 2),
    number(c.leakage_nw, 2), number(c.energy_per_op_fj, 0), ...errorCells(c.errors),
    `${c.signed ? "signed" : "unsigned"} (${c.signed_from})`, checked(c.rtl_check)]})));

for (const r of verdicts) {
  const c = r.cosim;
  const p = document.createElement("p");
  const b = document.createElement("b");
  b.textContent = c.verdict;
  b.className = c.verdict;
  p.append(b, ` for ${r.label}: ${c.images} images, ${c.checked.toLocaleString("en")} elements compared, ` +
    `${c.mismatches} differ, ${(c.cycles / c.images).toLocaleString("en")} cycles and ` +
    `${(c.macs / c.images).toLocaleString("en")} multiply-accumulates an image.` + (c.tables_for_rtl.length === 0 ? ""
      : ` No RTL of ${c.tables_for_rtl.join(", ")}: the table stood for it, only the accelerator around it was compared.`));
  $("cosim").append(p);
  const table = document.createElement("table");
  fill(table, ["operation", "compared", "differ"],
    c.steps.map((s) => ({cells: [s.step, s.checked.toLocaleString("en"), s.mismatches]})));
  $("cosim").append(folded("operation by operation", table));
  if (c.first_mismatches.length > 0) {
    const pre = document.createElement("pre");
    pre.textContent = c.first_mismatches.map((m) => JSON.stringify(m)).join("\n") + "\n\n" + c.rerun;
    $("cosim").append(pre);
  }
}

fill($("routing"), ["coupling coefficients", "accuracy"], [
  {cells: ["routed, as specified", percent(result.routing.routed)]},
  {cells: ["uniform", percent(result.routing.uniform)]},
  {cells: ["shuffled over the input capsules", percent(result.routing.shuffled)]},
]);

fillMade([...seedAndLibrary("cell library of the netlists"), ["memory's energies", result.memory_costs.source]],
  result.configuration);

const points = (keep) => rows.map((r, i) => ({x: r.energy_per_inference_nj / 1000, y: 100 * r.accuracy, label: r.label, i}))
  .filter((p) => keep(p.i) && rows[p.i].energy_per_inference_nj !== null);
const measured = rows.filter((r) => r.energy_per_inference_nj !== null);
const energies = measured.map((r) => r.energy_per_inference_nj / 1000);
const budget = 100 * (exact.accuracy - result.configuration.choice.max_accuracy_loss);
scatter("tradeoff", [
  {label: "chosen", data: points((i) => i === result.chosen), backgroundColor: hue.blue, pointRadius: 8, pointStyle: "rectRot"},
  {label: "other assignments", data: points((i) => i !== result.chosen), backgroundColor: hue.grey, pointRadius: 6},
  {label: "Pareto front", type: "line", pointRadius: 0, borderColor: hue.blue, borderWidth: 1, stepped: "after",
    data: paretoFront(points(() => true).map((p) => ({x: p.x, y: -p.y}))).map((p) => ({x: p.x, y: -p.y, label: ""}))},
  {label: "accuracy budget", type: "line", pointRadius: 0, borderColor: hue.amber, borderDash: [6, 4], borderWidth: 1.5,
    data: [Math.min(...energies), Math.max(...energies)].map((x) => ({x, y: budget, label: ""}))},
], "energy of an inference, µJ", "accuracy, %", (p) => `${p.label}: ${number(p.x, 2)} µJ, ${number(p.y, 2)} %`);
$("tradeoff-note").textContent = `Upper left is better. Two processes, neither scaled to the other: netlists in ${result.liberty.name}; ` +
  `memory accesses as of ${result.memory_costs.source}. Energies are means over ${result.energy_images} images, with glitches. Accuracies within each other's intervals are alike. ` +
  "The memory's do not change with the multiplier.";

const kinds = [...new Set(rows.flatMap((r) => r.energy_terms.map((t) => t.kind)))];
const palette = [hue.blue, "#6fa3e8", "#2a8c82", "#8cc9c2", hue.amber, "#e3b564", "#7a4fa3", "#b99ad6", hue.grey, "#c4cad3"];
$("energy").parentNode.style.height = `${120 + 24 * measured.length}px`;
stackedBars("energy", measured.map((r) => r.label), kinds.map((kind, k) => ({
  label: kind,
  backgroundColor: palette[k % palette.length],
  data: measured.map((r) => r.energy_terms.filter((t) => t.kind === kind).reduce((s, t) => s + t.energy_nj / 1000, 0)),
})), "µJ an inference", undefined, {
  indexAxis: "y",
  plugins: {tooltip: {callbacks: {label: (c) => `${c.dataset.label}: ${number(c.raw, 3)} µJ`}}},
});
$("energy-note").textContent = "Memory accesses: " + result.memory_costs.source +
  ". Not included: operand registers, clock tree, sequencer, wires.";

drawn(rows.length, "tradeoff", "energy");
