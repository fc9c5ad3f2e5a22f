// Multiplier of approximate compressors: the columns of partial product bits below column Columns
// are reduced by approximate 4:2 compressors without carry chain, what is left and all other
// columns by exact full adders, down to two rows that are added exactly. The order of the tree is
// that of docs/multipliers.md.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation modulo 2^(2*Width). The core is
//           unsigned; signed operands pass through mul_sign_magnitude. The compressor of Kind 1
//           makes a one of four zeros: an operand 0 does not give 0.
//
// Source: Kind 1: A. Momeni, J. Han, P. Montuschi, F. Lombardi, "Design and Analysis of Approximate
// Compressors for Multiplication", IEEE Trans. Computers, 2015, the second design. Kind 2: S.
// Venkatachalam, S.-B. Ko, "Design of Power and Area Efficient Approximate Multipliers", IEEE
// TVLSI, 2017.

module mul_compressor #(
  parameter int Width   = 8,
  parameter bit Signed  = 1'b1,
  parameter int Kind    = 1,
  parameter int Columns = Width
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

`ifndef __ICARUS__
  if (Width < 4 || Width > 16) begin : gen_bad_width
    $error("mul_compressor: Width is outside 4..16");
  end
  if (Kind < 1 || Kind > 2) begin : gen_bad_kind
    $error("mul_compressor: Kind is outside 1..2");
  end
  if (Columns < 0 || Columns > 2 * Width - 1) begin : gen_bad_columns
    $error("mul_compressor: Columns is outside 0..2*Width-1");
  end
`endif

  localparam int PlanColumns = 2 * Width;

  // The stages of the tree until no column holds more than two dots.
  function automatic int stages_of(input int columns);
    logic [8*PlanColumns-1:0] next;
    int                       now, fours, threes, carries, highest;
    next      = '0;
    highest   = Width;
    stages_of = 0;
    for (int c = 0; c < PlanColumns; c++) begin
      now          = (c < Width) ? c + 1 : PlanColumns - 1 - c;
      next[8*c+:8] = 8'(now);
    end
    for (int s = 0; s < PlanColumns; s++) begin
      if (highest > 2) begin
        stages_of = stages_of + 1;
        highest   = 0;
        carries   = 0;
        for (int c = 0; c < PlanColumns; c++) begin
          now          = 32'(next[8*c+:8]);
          fours        = (c < columns) ? now / 4 : 0;
          threes       = (now - 4 * fours) / 3;
          now          = now - 3 * fours - 2 * threes + carries;
          carries      = fours + threes;
          next[8*c+:8] = 8'(now);
          if (now > highest) highest = now;
        end
      end
    end
  endfunction

  localparam int Stages   = stages_of(Columns);
  localparam int PlanBits = 8 * PlanColumns * Stages + 8;

  // The plan of column_tree. what = 0: dots before each stage; 1: compressors; 2: full adders.
  function automatic logic [PlanBits-1:0] plan(input int what);
    logic [8*PlanColumns-1:0] next;
    int                       now, fours, threes, carries;
    plan = '0;
    next = '0;
    for (int c = 0; c < PlanColumns; c++) begin
      now          = (c < Width) ? c + 1 : PlanColumns - 1 - c;
      next[8*c+:8] = 8'(now);
    end
    for (int s = 0; s < Stages; s++) begin
      carries = 0;
      for (int c = 0; c < PlanColumns; c++) begin
        now    = 32'(next[8*c+:8]);
        fours  = (c < Columns) ? now / 4 : 0;
        threes = (now - 4 * fours) / 3;
        plan[8*(PlanColumns*s+c)+:8] = 8'((what == 0) ? now : (what == 1) ? fours : threes);
        now          = now - 3 * fours - 2 * threes + carries;
        carries      = fours + threes;
        next[8*c+:8] = 8'(now);
      end
    end
  endfunction

  logic [Width-1:0]   a_magnitude, b_magnitude;
  logic [2*Width-1:0] magnitude_product;

  column_tree #(
    .Width       (Width),
    .Kind        (Kind),
    .Stages      (Stages),
    .Dots        (plan(0)),
    .Compressors (plan(1)),
    .FullAdders  (plan(2))
  ) u_tree (
    .a_i (a_magnitude),
    .b_i (b_magnitude),
    .p_o (magnitude_product)
  );

  if (Signed) begin : gen_signed
    mul_sign_magnitude #(
      .Width(Width)
    ) u_sign_magnitude (
      .a_i      (a_i),
      .b_i      (b_i),
      .p_o      (p_o),
      .core_a_o (a_magnitude),
      .core_b_o (b_magnitude),
      .core_p_i (magnitude_product)
    );
  end else begin : gen_unsigned
    assign a_magnitude = a_i;
    assign b_magnitude = b_i;
    assign p_o         = magnitude_product;
  end

endmodule
