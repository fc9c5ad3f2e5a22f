// Sources of the accelerator but for pe_mul.sv, for `verilator -F` (paths are relative to this file).
// The multiplier is named beside it: the exact rtl/capsnet/pe_mul.sv, or another one of the same ports.
capsnet.vlt
capsnet_pkg.sv
clock_gate.sv
column_sum.sv
partial_sum.sv
pe_array.sv
accumulator.sv
requantiser.sv
isqrt.sv
divider.sv
squash_unit.sv
softmax_unit.sv
scratchpad.sv
matmul_unit.sv
rowwise_unit.sv
dma.sv
sequencer.sv
axil_regs.sv
capsnet_accel.sv
