// Booth multiplier of radix 4: the exact product. Recoding b into digits -2..2 halves the number of
// rows; signed operands need Width/2, unsigned ones, extended by zeros, a row more.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation; never overflows.
//
// Signs are not extended: a row's sign bit is inverted, and one constant makes up for all of them.
//
// Source: A. D. Booth, "A Signed Binary Multiplication Technique", Q. J. Mech. Appl. Math., 1951;
// O. L. MacSorley, "High-Speed Arithmetic in Binary Computers", Proc. IRE, 1961.

module mul_booth #(
  parameter int Width  = 8,
  parameter bit Signed = 1'b1
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

`ifndef __ICARUS__
  if (Width < 4 || Width > 16 || Width % 2 != 0) begin : gen_bad_width
    $error("mul_booth: Width is outside 4..16 or odd");
  end
`endif

  localparam int Rows     = Width / 2;
  localparam int SignBit  = Signed ? Width : Width + 1;  // of a row
  localparam int RowWidth = Width + 2;

  localparam logic [2*Width-1:0] One = {{(2 * Width - 1) {1'b0}}, 1'b1};

  logic [Width:0]           b_padded;
  logic [Rows*RowWidth-1:0] rows;
  logic [Rows-1:0]          negative;
  logic [SignBit:0]         row_bits;

  assign b_padded = {b_i, 1'b0};

  for (genvar i = 0; i < Rows; i++) begin : gen_row
    booth_row #(
      .Width  (Width),
      .Signed (Signed)
    ) u_row (
      .a_i        (a_i),
      .triplet_i  (b_padded[2*i+:3]),
      .row_o      (rows[RowWidth*i+:RowWidth]),
      .negative_o (negative[i])
    );
    logic unused_sign_copies;
    assign unused_sign_copies = ^rows[RowWidth*i+:RowWidth];
  end

  // The last digit of an unsigned operand is its top bit, 0 or 1.
  logic [2*Width-1:0] last_row;
  assign last_row = Signed ? '0 : {a_i & {Width{b_i[Width-1]}}, {Width{1'b0}}};

  always_comb begin
    p_o = last_row;
    for (int i = 0; i < Rows; i++) begin
      row_bits = rows[RowWidth*i+:SignBit+1] ^ {1'b1, {SignBit{1'b0}}};
      p_o      = p_o + ({{(2 * Width - SignBit - 1) {1'b0}}, row_bits} << (2 * i)) +
                 ({{(2 * Width - 1) {1'b0}}, negative[i]} << (2 * i)) - (One << (SignBit + 2 * i));
    end
  end

endmodule
