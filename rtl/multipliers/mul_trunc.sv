// Operand truncation: the TruncBits low bits of both operands are dropped, the rest is multiplied
// exactly: p = 2^(2*TruncBits) * floor(a / 2^TruncBits) * floor(b / 2^TruncBits).
// Signed operands are dropped in two's complement, so they round towards minus infinity.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation; never overflows.
//
// This is the least significant part truncation that approximate multipliers are usually held
// against, e.g. by Hashemi, Bahar and Reda, "DRUM", ICCAD 2015.

module mul_trunc #(
  parameter int Width     = 8,
  parameter bit Signed    = 1'b1,
  parameter int TruncBits = 2
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

  localparam int KeptBits = Width - TruncBits;

`ifndef __ICARUS__
  if (Width < 2 || Width > 32) begin : gen_bad_width
    $error("mul_trunc: Width is outside 2..32");
  end
  if (TruncBits < 1 || TruncBits >= Width) begin : gen_bad_trunc_bits
    $error("mul_trunc: TruncBits is outside 1..Width-1");
  end
`endif

  logic [2*KeptBits-1:0] kept_product;

  mul_exact #(
    .Width  (KeptBits),
    .Signed (Signed)
  ) u_kept (
    .a_i (a_i[Width-1:TruncBits]),
    .b_i (b_i[Width-1:TruncBits]),
    .p_o (kept_product)
  );

  assign p_o = {kept_product, {(2 * TruncBits) {1'b0}}};

  // The dropped bits, read so that their loss is visibly meant.
  logic unused_low_bits;
  assign unused_low_bits = ^{a_i[TruncBits-1:0], b_i[TruncBits-1:0]};

endmodule
