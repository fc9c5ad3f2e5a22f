// One row of a radix-4 Booth multiplier: the digit d = -2 triplet[2] + triplet[1] + triplet[0] of
// the second operand times a, where a negative row still lacks the one that completes its two's
// complement: d * a = row + negative.
//
// Latency: 0, combinational.
// a_i:        Width-bit integer, two's complement when Signed, otherwise unsigned; any value.
// triplet_i:  bits 2i+1, 2i and 2i-1 of the second operand.
// row_o:      Width+2 bits, two's complement: |d| * a, inverted where d < 0.
// negative_o: d < 0; the triplet 111 is the digit 0, not negative.
//
// Source: A. D. Booth, "A Signed Binary Multiplication Technique", Q. J. Mech. Appl. Math., 1951;
// O. L. MacSorley, "High-Speed Arithmetic in Binary Computers", Proc. IRE, 1961.

module booth_row #(
  parameter int Width  = 8,
  parameter bit Signed = 1'b1
) (
  input  logic [Width-1:0] a_i,
  input  logic [2:0]       triplet_i,
  output logic [Width+1:0] row_o,
  output logic             negative_o
);

  logic             once, twice;
  logic [Width+1:0] extended;

  assign once       = triplet_i[1] ^ triplet_i[0];
  assign twice      = (triplet_i[2] ^ triplet_i[1]) & ~once;
  assign negative_o = triplet_i[2] & ~(triplet_i[1] & triplet_i[0]);
  assign extended   = {{2{Signed ? a_i[Width-1] : 1'b0}}, a_i};
  assign row_o      = ((extended & {(Width + 2) {once}}) |
                       ({extended[Width:0], 1'b0} & {(Width + 2) {twice}})) ^
                      {(Width + 2) {negative_o}};

endmodule
