// Partial product bits of a and b, reduced column by column in stages to two rows, which one adder
// adds. In each stage a column sends part of its dots through adders, whose sums stay in the column
// and whose carries join the next one. Which adders there are is the plan of the instantiating
// multiplier: mul_dadda, mul_compressor.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers: two's complement when BaughWooley, otherwise unsigned; any value.
// p_o:      sum of the dots modulo 2^(2*Width). BaughWooley inverts the dots of negative weight and
//           adds ones in columns Width and 2*Width-1, each as the last dot of its column.
//
// The plan has a byte a column and stage, column c of stage s in [8*(2*Width*s+c)+:8]: Dots before
// the stage and how many of them, from the front of the column's list on, enter Compressors
// (approximate 4:2), FullAdders and HalfAdders. A column's next list is: sums of the compressors,
// of the full adders and of the half adders, the dots that passed, the carries out of column c-1 in
// the same order. Carries out of the last column are dropped. The first list is in order of rising
// row.
//
// Approximate compressors: Kind 1: A. Momeni, J. Han, P. Montuschi, F. Lombardi, "Design and
// Analysis of Approximate Compressors for Multiplication", IEEE Trans. Computers, 2015, the second
// design. Kind 2: S. Venkatachalam, S.-B. Ko, "Design of Power and Area Efficient Approximate
// Multipliers", IEEE TVLSI, 2017.

module column_tree #(
  parameter int                           Width       = 8,
  parameter bit                           BaughWooley = 1'b0,
  parameter int                           Kind        = 1,
  parameter int                           Stages      = 4,
  parameter logic [16*Width*Stages+7:0]   Dots        = '0,
  parameter logic [16*Width*Stages+7:0]   Compressors = '0,
  parameter logic [16*Width*Stages+7:0]   FullAdders  = '0,
  parameter logic [16*Width*Stages+7:0]   HalfAdders  = '0
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

  localparam int Columns = 2 * Width;

  logic [Columns-1:0] row_0, row_1;

  for (genvar s = 0; s <= Stages; s++) begin : gen_level
    for (genvar c = 0; c < Columns; c++) begin : gen_column
      logic [Width-1:0] dots;  // from the lowest slot on, empty slots 0

      if (s == 0) begin : gen_products
        localparam int FirstRow = (c < Width) ? 0 : c - Width + 1;
        localparam int Products = (c < Width) ? c + 1 : Columns - 1 - c;
        for (genvar k = 0; k < Width; k++) begin : gen_slot
          if (k < Products) begin : gen_dot
            localparam int Row      = FirstRow + k;
            localparam bit Negative = BaughWooley && ((Row == Width - 1) != (c - Row == Width - 1));
            assign dots[k] = (a_i[c-Row] & b_i[Row]) ^ Negative;
          end else begin : gen_constant
            assign dots[k] = BaughWooley && k == Products && (c == Width || c == Columns - 1);
          end
        end
      end else begin : gen_list
        // Of column c and of the one before it, whose carries it gets; column 0 has none.
        localparam int At     = 8 * (Columns * (s - 1) + c);
        localparam int Before = (c == 0) ? At : At - 8;
        localparam int Fours  = 32'(Compressors[At+:8]);
        localparam int Threes = 32'(FullAdders[At+:8]);
        localparam int Twos   = 32'(HalfAdders[At+:8]);
        localparam int Adders = Fours + Threes + Twos;
        localparam int Taken  = 4 * Fours + 3 * Threes + 2 * Twos;
        localparam int Passed = 32'(Dots[At+:8]) - Taken;
        localparam int Joined = (c == 0) ? 0 : 32'(Compressors[Before+:8]) +
                                32'(FullAdders[Before+:8]) + 32'(HalfAdders[Before+:8]);
        for (genvar k = 0; k < Width; k++) begin : gen_slot
          if (k < Adders) begin : gen_sum
            assign dots[k] = gen_level[s-1].gen_column[c].sum[k];
          end else if (k < Adders + Passed) begin : gen_passed
            assign dots[k] = gen_level[s-1].gen_column[c].dots[Taken+k-Adders];
          end else if (k < Adders + Passed + Joined) begin : gen_carry
            assign dots[k] = gen_level[s-1].gen_column[c-1].carry[k-Adders-Passed];
          end else begin : gen_empty
            assign dots[k] = 1'b0;
          end
        end
`ifndef __ICARUS__
        if (Passed < 0 || Adders + Passed + Joined > Width) begin : gen_bad_plan
          $error("column_tree: a column has more adders than dots or more dots than slots");
        end
`endif
      end

      // The adders of the next stage, a bit each.
      logic [Width-1:0] sum, carry;

      if (s < Stages) begin : gen_adders
        localparam int At     = 8 * (Columns * s + c);
        localparam int Fours  = 32'(Compressors[At+:8]);
        localparam int Threes = 32'(FullAdders[At+:8]);
        localparam int Twos   = 32'(HalfAdders[At+:8]);
        for (genvar k = 0; k < Width; k++) begin : gen_adder
          if (k < Fours) begin : gen_compressor
            logic x1, x2, x3, x4;
            assign {x4, x3, x2, x1} = dots[4*k+:4];
            if (Kind == 1) begin : gen_momeni
              assign sum[k]   = ~(x1 ^ x2) | ~(x3 ^ x4);
              assign carry[k] = (x1 | x2) & (x3 | x4);
            end else begin : gen_venkatachalam
              assign sum[k]   = (x1 ^ x2) | (x3 ^ x4) | (x1 & x2 & x3 & x4);
              assign carry[k] = (x1 & x2) | (x3 & x4);
            end
          end else if (k < Fours + Threes) begin : gen_full
            logic x1, x2, x3;
            assign {x3, x2, x1} = dots[3*k+Fours+:3];
            assign sum[k]       = x1 ^ x2 ^ x3;
            assign carry[k]     = (x1 & x2) | ((x1 ^ x2) & x3);
          end else if (k < Fours + Threes + Twos) begin : gen_half
            logic x1, x2;
            assign {x2, x1} = dots[2*k+2*Fours+Threes+:2];
            assign sum[k]   = x1 ^ x2;
            assign carry[k] = x1 & x2;
          end else begin : gen_none
            assign {sum[k], carry[k]} = 2'b00;
          end
        end
      end else begin : gen_rows
        assign sum      = '0;
        assign carry    = '0;
        assign row_0[c] = dots[0];
        assign row_1[c] = dots[1];
      end

      // Empty slots and unused adders, read so that their loss is visibly meant.
      logic unused_bits;
      assign unused_bits = ^{dots, sum, carry};
    end
  end

  assign p_o = row_0 + row_1;

endmodule
