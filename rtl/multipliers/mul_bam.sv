// BAM, the broken-array multiplier: an array multiplier without the cells above the horizontal
// break level and to the right of the vertical break level. The partial product bit of a's bit j
// and b's bit i is left out where i < Hbl (its row) or i + j < Vbl (its column); the remaining bits
// are added exactly. Hbl = Vbl = 0 is the exact multiplier.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation; never overflows. The core is unsigned;
//           signed operands pass through mul_sign_magnitude. Hbl breaks rows of b only, so the
//           multiplier does not commute when Hbl > 0.
//
// Source: H. R. Mahdiani, A. Ahmadi, S. M. Fakhraie, C. Lucas, "Bio-Inspired Imprecise
// Computational Blocks for Efficient VLSI Implementation of Soft-Computing Applications", IEEE
// TCAS-I, 2010.

module mul_bam #(
  parameter int Width  = 8,
  parameter bit Signed = 1'b1,
  parameter int Hbl    = 0,
  parameter int Vbl    = 6
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

  localparam logic [2*Width-1:0] KeptColumns = {(2 * Width) {1'b1}} << Vbl;

`ifndef __ICARUS__
  if (Width < 2 || Width > 32) begin : gen_bad_width
    $error("mul_bam: Width is outside 2..32");
  end
  if (Hbl < 0 || Hbl >= Width) begin : gen_bad_hbl
    $error("mul_bam: Hbl is outside 0..Width-1");
  end
  if (Vbl < 0 || Vbl > 2 * Width - 2) begin : gen_bad_vbl
    $error("mul_bam: Vbl is outside 0..2*Width-2");
  end
`endif

  logic [Width-1:0]   a_magnitude, b_magnitude;
  logic [2*Width-1:0] magnitude_product;

  always_comb begin
    magnitude_product = '0;
    for (int unsigned row = Hbl; row < Width; row++) begin
      magnitude_product = magnitude_product + (({{Width{1'b0}}, a_magnitude} << row) & KeptColumns &
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
