// Integrated clock gate: clk_o has a pulse in the cycles that end with en_i high. The latch is
// transparent while the clock is low, so a late en_i makes no glitch.
module clock_gate (
  input  logic clk_i,
  input  logic en_i,
  output logic clk_o
);

  logic en_latch;

  always_latch begin
    if (!clk_i) en_latch = en_i;
  end

  assign clk_o = clk_i & en_latch;

endmodule
