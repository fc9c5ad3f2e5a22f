// Partial product perforation: Rows successive rows of the array multiplier, from row First on, are
// left out; the others are added exactly. The product is a times b without these bits.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation; never overflows. The core is unsigned;
//           signed operands pass through mul_sign_magnitude.
//           Bits of b are dropped only, so the
//           multiplier does not commute.
//
// Source: G. Zervakis, K. Tsoumanis, S. Xydis, D. Soudris, K. Pekmestzi, "Design-Efficient
// Approximate Multiplication Circuits Through Partial Product Perforation", IEEE TVLSI, 2016.

module mul_perforation #(
  parameter int Width  = 8,
  parameter bit Signed = 1'b1,
  parameter int First  = 0,
  parameter int Rows   = 2
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

`ifndef __ICARUS__
  if (Width < 2 || Width > 16) begin : gen_bad_width
    $error("mul_perforation: Width is outside 2..16");
  end
  if (First < 0 || First >= Width) begin : gen_bad_first
    $error("mul_perforation: First is outside 0..Width-1");
  end
  if (Rows < 1 || Rows > Width - First) begin : gen_bad_rows
    $error("mul_perforation: Rows is outside 1..Width-First");
  end
`endif

  logic [Width-1:0]   a_magnitude, b_magnitude;
  logic [2*Width-1:0] magnitude_product;

  always_comb begin
    magnitude_product = '0;
    for (int row = 0; row < Width; row++) begin
      if (row < First || row >= First + Rows) begin
        magnitude_product = magnitude_product + (({{Width{1'b0}}, a_magnitude} << row) &
                                                 {(2 * Width) {b_magnitude[row]}});
      end
    end
  end

  // The bits of the rows left out, read so that their loss is visibly meant.
  logic unused_operand_bits;
  assign unused_operand_bits = ^{a_magnitude, b_magnitude};

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
