// TOSAM, truncation- and rounding-based scalable approximate multiplier: with the operands as 2^k
// (1 + x), the product is 2^(ka+kb) (1 + xa + xb + xa xb), where the sum takes the first T bits of
// the fractions and the product their first H bits, followed by a one that centres the error.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation; never overflows. The core is unsigned;
//           signed operands pass through mul_sign_magnitude.
//
// Source: S. Vahdat, M. Kamal, A. Afzali-Kusha, M. Pedram, "TOSAM: An Energy-Efficient Truncation-
// and Rounding-Based Scalable Approximate Multiplier", IEEE TVLSI, 2019.

module mul_tosam #(
  parameter int Width  = 8,
  parameter bit Signed = 1'b1,
  parameter int H      = 2,
  parameter int T      = (Width < 6) ? Width - 1 : 5
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

`ifndef __ICARUS__
  if (Width < 4 || Width > 16) begin : gen_bad_width
    $error("mul_tosam: Width is outside 4..16");
  end
  if (H < 0 || H > Width - 2) begin : gen_bad_h
    $error("mul_tosam: H is outside 0..Width-2");
  end
  if (T <= H || T > Width - 1) begin : gen_bad_t
    $error("mul_tosam: T is outside H+1..Width-1");
  end
`endif

  localparam int PositionBits = $clog2(Width);
  localparam int FractionBits = (T > 2 * H + 2) ? T : 2 * H + 2;  // of sum and product

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

  logic [T-1:0]                    a_sum_part, b_sum_part;
  logic [T+1:0]                    sum;
  logic [H:0]                      a_factor, b_factor;
  logic [2*H+1:0]                  product;
  logic [PositionBits:0]           position;
  logic [FractionBits+1:0]         mantissa;
  logic [2*Width+FractionBits-1:0] shifted;

  assign a_sum_part = a_fraction[Width-2-:T];
  assign b_sum_part = b_fraction[Width-2-:T];
  if (H == 0) begin : gen_ones
    assign a_factor = 1'b1;
    assign b_factor = 1'b1;
  end else begin : gen_factors
    assign a_factor = {a_fraction[Width-2-:H], 1'b1};
    assign b_factor = {b_fraction[Width-2-:H], 1'b1};
  end
  assign product  = a_factor * b_factor;
  assign position = {1'b0, a_position} + {1'b0, b_position};
  assign sum      = {2'b01, {T{1'b0}}} + {2'b00, a_sum_part} + {2'b00, b_sum_part};
  assign mantissa = (((FractionBits + 2)'(sum) << (FractionBits - T)) +
                     ({{(FractionBits - 2 * H) {1'b0}}, product} << (FractionBits - 2 * H - 2))) &
                    {(FractionBits + 2) {a_nonzero & b_nonzero}};
  assign shifted  = {{(2 * Width - 2) {1'b0}}, mantissa} << position;

  assign magnitude_product = shifted[FractionBits+:2*Width];

  // Bits that truncation drops.
  logic unused_fraction;
  assign unused_fraction = ^{a_fraction, b_fraction, shifted[FractionBits-1:0]};

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
