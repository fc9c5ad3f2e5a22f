// DRUM, the dynamic range unbiased multiplier. Of each operand it keeps KeptBits bits from the
// leading one downwards, sets the lowest of them to 1 in place of the bits that it drops (which
// centres the error), multiplies the two short segments exactly and shifts the product back. An
// operand below 2^KeptBits is used as it is.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation; never overflows. The core is unsigned;
//           signed operands pass through mul_sign_magnitude.
//
// Source: S. Hashemi, R. I. Bahar, S. Reda, "DRUM: A Dynamic Range Unbiased Multiplier for
// Approximate Applications", ICCAD 2015.

module mul_drum #(
  parameter int Width    = 8,
  parameter bit Signed   = 1'b1,
  parameter int KeptBits = 4
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

  localparam int MaxShift  = Width - KeptBits;
  localparam int ShiftBits = $clog2(MaxShift + 1);

`ifndef __ICARUS__
  if (Width < 4 || Width > 32) begin : gen_bad_width
    $error("mul_drum: Width is outside 4..32");
  end
  if (KeptBits < 3 || KeptBits >= Width) begin : gen_bad_kept_bits
    $error("mul_drum: KeptBits is outside 3..Width-1");
  end
`endif

  logic [Width-1:0]   a_magnitude, b_magnitude;
  logic [2*Width-1:0] magnitude_product;

  // Segment and shift of one operand: {shift, segment}. The leading one is found as a one-hot word,
  // which selects the segment by AND and OR.
  function automatic logic [ShiftBits+KeptBits-1:0] segment(input logic [Width-1:0] magnitude);
    logic                 higher_one;
    logic                 leading;
    logic [KeptBits-1:0]  bits;
    logic [ShiftBits-1:0] shift;
    higher_one = 1'b0;
    bits       = '0;
    shift      = '0;
    for (int unsigned i = 0; i < MaxShift; i++) begin
      leading    = magnitude[Width-1-i] & ~higher_one;
      higher_one = higher_one | magnitude[Width-1-i];
      bits       = bits | ({KeptBits{leading}} & {magnitude[Width-1-i-:KeptBits-1], 1'b1});
      shift      = shift | ({ShiftBits{leading}} & ShiftBits'(MaxShift - i));
    end
    bits    = bits | ({KeptBits{~higher_one}} & magnitude[KeptBits-1:0]);
    segment = {shift, bits};
  endfunction

  logic [KeptBits-1:0]   a_segment, b_segment;
  logic [ShiftBits-1:0]  a_shift, b_shift;
  logic [2*KeptBits-1:0] segment_product;
  logic [ShiftBits:0]    shift_sum;

  assign {a_shift, a_segment} = segment(a_magnitude);
  assign {b_shift, b_segment} = segment(b_magnitude);
  assign segment_product      = a_segment * b_segment;
  assign shift_sum            = {1'b0, a_shift} + {1'b0, b_shift};
  assign magnitude_product    = {{(2 * MaxShift) {1'b0}}, segment_product} << shift_sum;

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
