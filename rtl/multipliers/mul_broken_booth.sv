// Broken Booth multiplier: a radix-4 Booth multiplier without the columns to the right of the
// vertical break level Vbl. Type 0 sets the columns of complete two's complement rows to zero. Type
// 1 sets the columns of the inverted rows to zero and leaves the correction ones of the columns
// right of the break out, which saves hardware and costs accuracy.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation, modulo 2^(2*Width). The rows are not
//           symmetric: the multiplier does not commute.
//
// Source: F. Farshchi, M. S. Abrishami, S. M. Fakhraie, "New Approximate Multiplier for Low Power
// Digital Signal Processing", CADS, 2013.

module mul_broken_booth #(
  parameter int Width  = 8,
  parameter bit Signed = 1'b1,
  parameter int Vbl    = 6,
  parameter int Type   = 0
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

`ifndef __ICARUS__
  if (Width < 4 || Width > 16 || Width % 2 != 0) begin : gen_bad_width
    $error("mul_broken_booth: Width is outside 4..16 or odd");
  end
  if (Vbl < 0 || Vbl > 2 * Width - 2) begin : gen_bad_vbl
    $error("mul_broken_booth: Vbl is outside 0..2*Width-2");
  end
  if (Type < 0 || Type > 1) begin : gen_bad_type
    $error("mul_broken_booth: Type is outside 0..1");
  end
`endif

  localparam int Rows     = Width / 2;
  localparam int SignBit  = Signed ? Width : Width + 1;  // of a row
  localparam int RowWidth = Width + 2;

  localparam logic [2*Width-1:0] One         = {{(2 * Width - 1) {1'b0}}, 1'b1};
  localparam logic [2*Width-1:0] KeptColumns = {(2 * Width) {1'b1}} << Vbl;

  logic [Width:0]          b_padded;
  logic [2*Width*Rows-1:0] kept_rows;    // row i in its columns, its sign inverted
  logic [2*Width*Rows-1:0] corrections;  // and the one that completes it

  assign b_padded = {b_i, 1'b0};

  for (genvar i = 0; i < Rows; i++) begin : gen_row
    // The sign's column; signs right of the break count as often as the break's column needs.
    localparam int SignColumn = (SignBit + 2 * i < Vbl) ? Vbl : SignBit + 2 * i;
    // Bits of the row right of the break, its sign extension included.
    localparam int LostColumns = Vbl - 2 * i;
    localparam int LostBits    = (LostColumns <= 0) ? 0
                               : (LostColumns > RowWidth) ? RowWidth : LostColumns;

    logic [RowWidth-1:0] row;
    logic                negative;
    logic [2*Width-1:0]  unsigned_part;

    booth_row #(
      .Width  (Width),
      .Signed (Signed)
    ) u_row (
      .a_i        (a_i),
      .triplet_i  (b_padded[2*i+:3]),
      .row_o      (row),
      .negative_o (negative)
    );

    assign unsigned_part = ({{(2 * Width - SignBit) {1'b0}}, row[SignBit-1:0]} << (2 * i)) &
                           KeptColumns;
    assign kept_rows[2*Width*i+:2*Width] =
        unsigned_part | ({{(2 * Width - 1) {1'b0}}, ~row[SignBit]} << SignColumn);

    if (LostBits == 0) begin : gen_whole
      assign corrections[2*Width*i+:2*Width] = {{(2 * Width - 1) {1'b0}}, negative} << (2 * i);
    end else if (Type == 0) begin : gen_carried
      // The correction one carries into the kept columns where all lost bits are ones.
      logic carry;
      assign carry                           = negative & (&row[LostBits-1:0]);
      assign corrections[2*Width*i+:2*Width] = {{(2 * Width - 1) {1'b0}}, carry} << Vbl;
    end else begin : gen_dropped
      assign corrections[2*Width*i+:2*Width] = '0;
      logic unused_negative;
      assign unused_negative = negative;
    end

    logic unused_bits;
    assign unused_bits = ^row;
  end

  // The last digit of an unsigned operand is its top bit, 0 or 1.
  logic [2*Width-1:0] last_row;
  assign last_row = Signed ? '0 : {a_i & {Width{b_i[Width-1]}}, {Width{1'b0}}} & KeptColumns;

  always_comb begin
    p_o = last_row;
    for (int i = 0; i < Rows; i++) begin
      p_o = p_o + kept_rows[2*Width*i+:2*Width] + corrections[2*Width*i+:2*Width] -
            (One << ((SignBit + 2 * i < Vbl) ? Vbl : SignBit + 2 * i));
    end
  end

endmodule
