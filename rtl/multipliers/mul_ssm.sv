// SSM, static segment multiplier: of each operand SegmentBits bits at one of two places (three when
// Enhanced, ESSM) are kept, the highest place that loses no leading bit, and the bits below are cut
// off; the two segments are multiplied exactly and the product is put back into place.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation; never overflows. The core is unsigned;
//           signed operands pass through mul_sign_magnitude.
//
// Source: S. Narayanamoorthy, H. A. Moghaddam, Z. Liu, T. Park, N. S. Kim, "Energy-Efficient
// Approximate Multiplication for Digital Signal Processing and Classification Applications", IEEE
// TVLSI, 2015.

module mul_ssm #(
  parameter int Width       = 8,
  parameter bit Signed      = 1'b1,
  parameter int SegmentBits = (Width + 1) / 2,
  parameter int Enhanced    = 0
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

`ifndef __ICARUS__
  if (Width < 4 || Width > 16) begin : gen_bad_width
    $error("mul_ssm: Width is outside 4..16");
  end
  if (SegmentBits < (Width + 1) / 2 || SegmentBits >= Width) begin : gen_bad_segment_bits
    $error("mul_ssm: SegmentBits is outside Width/2 (rounded up)..Width-1");
  end
  if (Enhanced < 0 || Enhanced > 1) begin : gen_bad_enhanced
    $error("mul_ssm: Enhanced is outside 0..1");
  end
  if (Enhanced == 1 && (Width - SegmentBits) % 2 != 0) begin : gen_bad_middle
    $error("mul_ssm: Enhanced needs an even Width-SegmentBits");
  end
`endif

  localparam int Places = (Enhanced == 1) ? 3 : 2;
  localparam int Step   = (Width - SegmentBits) / (Places - 1);  // from place to place
  localparam int Sums   = 2 * Places - 1;

  logic [Width-1:0]   a_magnitude, b_magnitude;
  logic [2*Width-1:0] magnitude_product;

  // Segment and place of one operand: {place as a one-hot word, segment}.
  function automatic logic [Places+SegmentBits-1:0] segment(input logic [Width-1:0] magnitude);
    logic                   higher_one, here;
    logic [Places-1:0]      place;
    logic [SegmentBits-1:0] bits;
    higher_one = 1'b0;
    place      = '0;
    bits       = '0;
    for (int i = Places - 1; i >= 0; i--) begin
      here       = ~higher_one & ((i == 0) | (|(magnitude >> (SegmentBits + (i - 1) * Step))));
      higher_one = higher_one | here;
      place[i]   = here;
      bits       = bits | ({SegmentBits{here}} & magnitude[i*Step+:SegmentBits]);
    end
    segment = {place, bits};
  endfunction

  logic [SegmentBits-1:0]   a_segment, b_segment;
  logic [Places-1:0]        a_place, b_place;
  logic [2*SegmentBits-1:0] segment_product;
  logic                     here;

  assign {a_place, a_segment} = segment(a_magnitude);
  assign {b_place, b_segment} = segment(b_magnitude);
  assign segment_product      = a_segment * b_segment;

  // One of the sums of places is the product's.
  always_comb begin
    magnitude_product = '0;
    for (int sum = 0; sum < Sums; sum++) begin
      here = 1'b0;
      for (int i = 0; i < Places; i++) begin
        if (sum - i >= 0 && sum - i < Places) here = here | (a_place[i] & b_place[sum-i]);
      end
      magnitude_product = magnitude_product |
          (({{(2 * Width - 2 * SegmentBits) {1'b0}}, segment_product} << (sum * Step)) &
           {(2 * Width) {here}});
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
