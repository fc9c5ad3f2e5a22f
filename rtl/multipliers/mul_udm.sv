// Underdesigned multiplier: composed of 2x2 blocks that give 7 for 3 * 3, which saves their fourth
// product bit, and every other product exactly; the blocks' products are added exactly.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation; never overflows. The core is unsigned;
//           signed operands pass through mul_sign_magnitude.
//
// Source: P. Kulkarni, P. Gupta, M. Ercegovac, "Trading Accuracy for Power with an Underdesigned
// Multiplier Architecture", VLSI Design, 2011.

module mul_udm #(
  parameter int Width  = 8,
  parameter bit Signed = 1'b1
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

`ifndef __ICARUS__
  if (Width < 2 || Width > 16 || Width % 2 != 0) begin : gen_bad_width
    $error("mul_udm: Width is outside 2..16 or odd");
  end
`endif

  logic [Width-1:0]   a_magnitude, b_magnitude;
  logic [2*Width-1:0] magnitude_product;

  localparam logic [Width-1:0] LowOfDigits = {(Width / 2) {2'b01}};

  logic [Width-1:0]   a_low, a_high;  // of each digit of a: its bits, in the low place
  logic [2*Width-1:0] low, middle, high;

  assign a_low  = a_magnitude & LowOfDigits;
  assign a_high = (a_magnitude >> 1) & LowOfDigits;

  // A row of blocks a digit of b: x1 y1, x1 y0 | x0 y1, x0 y0 of each digit.
  always_comb begin
    magnitude_product = '0;
    for (int row = 0; row < Width; row += 2) begin
      low    = {{Width{1'b0}}, a_low & {Width{b_magnitude[row]}}};
      middle = {{Width{1'b0}}, (a_high & {Width{b_magnitude[row]}}) |
                               (a_low & {Width{b_magnitude[row+1]}})};
      high   = {{Width{1'b0}}, a_high & {Width{b_magnitude[row+1]}}};
      magnitude_product = magnitude_product + ((low | (middle << 1)) << row) + (high << (row + 2));
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
