// Mitchell's logarithmic multiplier: the logarithms of both operands, the leading one's position
// and the bits below it as fraction, are added; the sum's fraction, with a one before it, is
// shifted by the sum's integer part.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation; never overflows. The core is unsigned;
//           signed operands pass through mul_sign_magnitude.
//
// Source: J. N. Mitchell, "Computer Multiplication and Division Using Binary Logarithms", IRE
// Trans. Electronic Computers, 1962.

module mul_mitchell #(
  parameter int Width  = 8,
  parameter bit Signed = 1'b1
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

`ifndef __ICARUS__
  if (Width < 4 || Width > 16) begin : gen_bad_width
    $error("mul_mitchell: Width is outside 4..16");
  end
`endif

  localparam int PositionBits = $clog2(Width);
  localparam int FractionBits = Width - 1;

  logic [Width-1:0]   a_magnitude, b_magnitude;
  logic [2*Width-1:0] magnitude_product;

  logic                    a_nonzero, b_nonzero;
  logic [PositionBits-1:0] a_position, b_position;
  logic [Width-2:0]        a_fraction, b_fraction;

  normaliser #(
    .Width(Width)
  ) u_a (
    .x_i        (a_magnitude),
    .nonzero_o  (a_nonzero),
    .position_o (a_position),
    .fraction_o (a_fraction)
  );
  normaliser #(
    .Width(Width)
  ) u_b (
    .x_i        (b_magnitude),
    .nonzero_o  (b_nonzero),
    .position_o (b_position),
    .fraction_o (b_fraction)
  );

  logic [PositionBits:0]   position;
  logic [FractionBits-1:0] fraction;
  logic [Width-1:0]        mantissa;
  logic [3*Width-2:0]      shifted;

  assign {position, fraction} = {1'b0, a_position, a_fraction} + {1'b0, b_position, b_fraction};
  assign mantissa             = {1'b1, fraction} & {Width{a_nonzero & b_nonzero}};
  assign shifted              = {{(2 * Width - 1) {1'b0}}, mantissa} << position;
  assign magnitude_product    = {shifted[3*Width-2:FractionBits]};

  // No one is ever shifted out below.
  logic unused_fraction;
  assign unused_fraction = ^shifted[FractionBits-1:0];

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
