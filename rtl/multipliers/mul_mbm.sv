// Minimally biased logarithmic multiplier: Mitchell's product plus the constant 5/64 in units of
// the product of both leading ones, which takes out the mean of Mitchell's error, rounded down.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation, limited to 2^(2*Width)-1. The core is
//           unsigned; signed operands pass through mul_sign_magnitude. Signed products never reach
//           the limit.
//
// Source: H. Saadat, H. Bokhari, S. Parameswaran, "Minimally Biased Multipliers for Approximate
// Integer and Floating-Point Multiplication", IEEE TCAD, 2018.

module mul_mbm #(
  parameter int Width  = 8,
  parameter bit Signed = 1'b1
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

`ifndef __ICARUS__
  if (Width < 4 || Width > 16) begin : gen_bad_width
    $error("mul_mbm: Width is outside 4..16");
  end
`endif

  localparam int PositionBits = $clog2(Width);
  localparam int FractionBits = (Width - 1 > 7) ? Width - 1 : 7;  // 5/128 needs seven

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

  logic [PositionBits:0]         position;
  logic [Width-2:0]              fraction;
  logic                          fractions_carry;
  logic [FractionBits+1:0]       correction, sum, mantissa;
  logic [2*Width+FractionBits:0] shifted;

  // Mitchell's product counts double where the fractions carry, the constant does not.
  assign {fractions_carry, fraction} = {1'b0, a_fraction} + {1'b0, b_fraction};
  assign position   = {1'b0, a_position} + {1'b0, b_position} +
                      {{PositionBits{1'b0}}, fractions_carry};
  assign correction = fractions_carry ? (FractionBits + 2)'(5) << (FractionBits - 7)
                                      : (FractionBits + 2)'(5) << (FractionBits - 6);
  assign sum        = ({2'b01, {FractionBits{1'b0}}} |
                       ({{(FractionBits + 3 - Width) {1'b0}}, fraction} <<
                        (FractionBits + 1 - Width))) + correction;
  assign mantissa   = sum & {(FractionBits + 2) {a_nonzero & b_nonzero}};
  assign shifted    = {{(2 * Width - 1) {1'b0}}, mantissa} << position;

  // Only an unsigned product can reach the limit.
  assign magnitude_product = shifted[FractionBits+:2*Width] |
                             {(2 * Width) {Signed ? 1'b0 : shifted[2*Width+FractionBits]}};

  // What rounding down drops.
  logic unused_fraction;
  assign unused_fraction = ^{shifted[2*Width+FractionBits], shifted[FractionBits-1:0]};

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
