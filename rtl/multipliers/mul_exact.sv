// Exact multiplier: p = a * b. The reference that every approximate multiplier is compared with.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation; never overflows.
//
// Signed products are summed in the modified form of C. R. Baugh and B. A. Wooley, "A Two's
// Complement Parallel Array Multiplication Algorithm", IEEE Trans. Computers, 1973: partial product
// bits of negative weight are inverted, and two constant ones make up for it. Yosys 0.23 maps a
// signed `*` to a sixth more area, which would flatter every approximate multiplier beside it.

module mul_exact #(
  parameter int Width  = 8,
  parameter bit Signed = 1'b1
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

`ifndef __ICARUS__
  if (Width < 1 || Width > 32) begin : gen_bad_width
    $error("mul_exact: Width is outside 1..32");
  end
`endif

  if (Signed) begin : gen_signed
    localparam logic [Width-1:0]   SignBit = {{(Width - 1) {1'b0}}, 1'b1} << (Width - 1);
    localparam logic [2*Width-1:0] One     = {{(2 * Width - 1) {1'b0}}, 1'b1};

    logic [Width-1:0] row_bits;

    always_comb begin
      p_o = (One << Width) + (One << (2 * Width - 1));
      for (int unsigned row = 0; row < Width; row++) begin
        row_bits = (a_i & {Width{b_i[row]}}) ^ ((row == Width - 1) ? ~SignBit : SignBit);
        p_o      = p_o + ({{Width{1'b0}}, row_bits} << row);
      end
    end
  end else begin : gen_unsigned
    assign p_o = a_i * b_i;
  end

endmodule
