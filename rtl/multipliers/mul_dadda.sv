// Dadda multiplier: the exact product. Full and half adders reduce the columns of partial product
// bits to two rows in as few stages as Wallace's tree has, each stage to the next lower height of
// Dadda's sequence 2, 3, 4, 6, 9, 13 and with as few adders as that takes; one adder ends it.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation; never overflows. Signed partial
//           products are those of Baugh and Wooley, as in mul_exact.
//
// Source: L. Dadda, "Some Schemes for Parallel Multipliers", Alta Frequenza, 1965.

module mul_dadda #(
  parameter int Width  = 8,
  parameter bit Signed = 1'b1
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

`ifndef __ICARUS__
  if (Width < 2 || Width > 16) begin : gen_bad_width
    $error("mul_dadda: Width is outside 2..16");
  end
`endif

  // Stages from Width rows down to two: the terms of 2, 3, 4, 6, 9, 13, ... below Width.
  function automatic int stages_from(input int height);
    int target;
    target      = 2;
    stages_from = 0;
    for (int i = 0; i < 6; i++) begin
      if (target < height) stages_from = i + 1;
      target = target + target / 2;
    end
  endfunction

  localparam int Columns  = 2 * Width;
  localparam int Stages   = stages_from(Width);
  localparam int PlanBits = 8 * Columns * Stages + 8;

  // The plan of column_tree. what = 0: dots before each stage; 1: full adders; 2: half adders. A
  // column sheds what exceeds the stage's height, the carries into it included.
  function automatic logic [PlanBits-1:0] plan(input int what);
    logic [8*Columns-1:0] dots, next;
    int                   target, now, excess, full, half, carries;
    plan = '0;
    next = '0;
    for (int c = 0; c < Columns; c++) begin
      now = (c < Width) ? c + 1 : Columns - 1 - c;
      if (Signed && (c == Width || c == Columns - 1)) now = now + 1;  // the constant ones
      next[8*c+:8] = 8'(now);
    end
    for (int s = 0; s < Stages; s++) begin
      dots    = next;
      target  = 2;
      carries = 0;
      for (int i = 0; i < Stages - 1 - s; i++) target = target + target / 2;
      for (int c = 0; c < Columns; c++) begin
        now    = 32'(dots[8*c+:8]);
        excess = now + carries - target;
        if (excess < 0) excess = 0;
        full = excess / 2;
        half = excess % 2;
        plan[8*(Columns*s+c)+:8] = 8'((what == 0) ? now : (what == 1) ? full : half);
        now = now + carries - excess;
        next[8*c+:8] = 8'(now);
        carries      = full + half;
      end
    end
  endfunction

  column_tree #(
    .Width       (Width),
    .BaughWooley (Signed),
    .Stages      (Stages),
    .Dots        (plan(0)),
    .FullAdders  (plan(1)),
    .HalfAdders  (plan(2))
  ) u_tree (
    .a_i (a_i),
    .b_i (b_i),
    .p_o (p_o)
  );

endmodule
