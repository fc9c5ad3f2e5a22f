// Programmable truncated multiplier: the array multiplier with its columns of partial product bits
// below truncate_i forced to zero; the whole array stays in place, so that accuracy can be traded
// for switching energy at run time.
//
// Latency: 0, combinational.
// a_i, b_i:   Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// truncate_i: columns forced to zero, unsigned, 0..2*Width-2.
// p_o:        2*Width-bit product in the representation of a_i; never overflows. The core is
//             unsigned; signed operands pass through mul_sign_magnitude.
//
// Source: M. de la Guia Solaz, W. Han, R. Conway, "A Flexible Low Power DSP With a Programmable
// Truncated Multiplier", IEEE TCAS-I, 2012.

module mul_ptm #(
  parameter int Width  = 8,
  parameter bit Signed = 1'b1
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  input  logic [$clog2(2*Width-1)-1:0] truncate_i,
  output logic [2*Width-1:0] p_o
);

`ifndef __ICARUS__
  if (Width < 4 || Width > 16) begin : gen_bad_width
    $error("mul_ptm: Width is outside 4..16");
  end
`endif

  logic [Width-1:0]   a_magnitude, b_magnitude;
  logic [2*Width-1:0] magnitude_product;

  logic [2*Width-1:0] kept_columns;

  assign kept_columns = {(2 * Width) {1'b1}} << truncate_i;

  always_comb begin
    magnitude_product = '0;
    for (int row = 0; row < Width; row++) begin
      magnitude_product = magnitude_product +
          (({{Width{1'b0}}, a_magnitude} << row) & kept_columns & {(2 * Width) {b_magnitude[row]}});
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
