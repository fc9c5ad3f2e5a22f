// Array multiplier whose rows are added by lower-part-OR adders: the low OrBits bits of a sum are
// the OR of the two addends, the bits above are added exactly, with the AND of both bits below the
// border as carry.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation modulo 2^(2*Width). The core is
//           unsigned; signed operands pass through mul_sign_magnitude. Rows are added in order of
//           b's bits, so the multiplier does not commute.
//
// Source: H. R. Mahdiani, A. Ahmadi, S. M. Fakhraie, C. Lucas, "Bio-Inspired Imprecise
// Computational Blocks for Efficient VLSI Implementation of Soft-Computing Applications", IEEE
// TCAS-I, 2010.

module mul_loa #(
  parameter int Width  = 8,
  parameter bit Signed = 1'b1,
  parameter int OrBits = 6
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

`ifndef __ICARUS__
  if (Width < 2 || Width > 16) begin : gen_bad_width
    $error("mul_loa: Width is outside 2..16");
  end
  if (OrBits < 1 || OrBits > 2 * Width - 2) begin : gen_bad_or_bits
    $error("mul_loa: OrBits is outside 1..2*Width-2");
  end
`endif

  localparam logic [2*Width-1:0] LowBits = ~({(2 * Width) {1'b1}} << OrBits);

  logic [Width-1:0]   a_magnitude, b_magnitude;
  logic [2*Width-1:0] magnitude_product;

  // The lower-part-OR adder.
  function automatic logic [2*Width-1:0] add(input logic [2*Width-1:0] x,
                                             input logic [2*Width-1:0] y);
    logic carry;
    carry = |((x & y) & (LowBits ^ (LowBits >> 1)));
    add   = (((x >> OrBits) + (y >> OrBits) + {{(2 * Width - 1) {1'b0}}, carry}) << OrBits) |
            ((x | y) & LowBits);
  endfunction

  always_comb begin
    magnitude_product = '0;
    for (int row = 0; row < Width; row++) begin
      magnitude_product = add(magnitude_product, ({{Width{1'b0}}, a_magnitude} << row) &
                                                 {(2 * Width) {b_magnitude[row]}});
    end
  end

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
