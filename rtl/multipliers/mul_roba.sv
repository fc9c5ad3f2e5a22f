// RoBA, rounding-based approximate multiplier: with each operand's nearest power of two R, the
// product is R(a) b + a R(b) - R(a) R(b), which needs shifters only. Ties round up, but 3 rounds
// down.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation; never overflows. The core is unsigned;
//           signed operands pass through mul_sign_magnitude.
//
// Source: R. Zendegani, M. Kamal, M. Bahadori, A. Afzali-Kusha, M. Pedram, "RoBA Multiplier: A
// Rounding-Based Approximate Multiplier for High-Speed yet Energy-Efficient Digital Signal
// Processing", IEEE TVLSI, 2017.
//
// With the operands as 2^k (1 + x), rounded up (R = 2^(k+1)) where x >= 1/2, the product is
// 2^(ka+kb) (1 + xa + xb), where the other's fraction counts double for an operand that was rounded
// up and the one is missing if both were: both operands share one adder and one shifter.

module mul_roba #(
  parameter int Width  = 8,
  parameter bit Signed = 1'b1
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

`ifndef __ICARUS__
  if (Width < 4 || Width > 16) begin : gen_bad_width
    $error("mul_roba: Width is outside 4..16");
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

  logic                            a_up, b_up;
  logic [PositionBits:0]           position;
  logic [FractionBits:0]           a_term, b_term;
  logic [FractionBits+1:0]         mantissa;
  logic [2*Width+FractionBits-1:0] shifted;

  // Rounded up: the bit below the leading one is set, and the operand is not 3 (nor 1).
  assign a_up = a_fraction[FractionBits-1] & (|(a_position >> 1));
  assign b_up = b_fraction[FractionBits-1] & (|(b_position >> 1));

  assign a_term   = b_up ? {a_fraction, 1'b0} : {1'b0, a_fraction};
  assign b_term   = a_up ? {b_fraction, 1'b0} : {1'b0, b_fraction};
  assign mantissa = ({1'b0, ~(a_up & b_up), {FractionBits{1'b0}}} +
                     {1'b0, a_term} + {1'b0, b_term}) &
                    {(FractionBits + 2) {a_nonzero & b_nonzero}};
  assign position = {1'b0, a_position} + {1'b0, b_position};
  assign shifted  = {{(2 * Width - 2) {1'b0}}, mantissa} << position;

  assign magnitude_product = shifted[FractionBits+:2*Width];

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
