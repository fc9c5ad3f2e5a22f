// Depth words of Cols x int32 partial sums, with the adder in front: read, add, write back.
//
// Cycle 0: index_i with add_en_i (sum_i valid) or read_en_i. Cycle 1: the stored word is on acc_o;
// for an addition, word[index] = (first ? init_i : stored word) + sum is written at the end of the
// cycle (init_i is taken in cycle 1). A word may be used again from cycle 2 on.
// Formats: sum_i Cols x int20; init_i, acc_o Cols x int32.
module accumulator #(
  parameter int unsigned Cols  = 16,
  parameter int unsigned Depth = 512
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               add_en_i,
  input  logic               read_en_i,
  input  logic               first_i,
  input  logic [15:0]        index_i,
  input  logic [Cols*20-1:0] sum_i,
  input  logic [Cols*32-1:0] init_i,
  output logic [Cols*32-1:0] acc_o
);

  localparam int unsigned IndexBits = (Depth > 1) ? $clog2(Depth) : 1;

  if (Cols < 1 || Cols > 16) begin : gen_cols_error
    $error("accumulator: Cols must be 1..16");
  end
  if (Depth < 1 || Depth > 65536) begin : gen_depth_error
    $error("accumulator: Depth must be 1..65536");
  end

  logic [Cols*32-1:0]   mem [Depth];
  logic                 add_q, first_q;
  logic [IndexBits-1:0] index, index_q;
  logic [Cols*20-1:0]   sum_q;
  logic [Cols*32-1:0]   base, total;

  assign index = index_i[IndexBits-1:0];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) add_q <= 1'b0;
    else         add_q <= add_en_i;
  end

  always_ff @(posedge clk_i) begin
    if (add_en_i) begin
      sum_q   <= sum_i;
      first_q <= first_i;
      index_q <= index;
    end
  end

  always_ff @(posedge clk_i) begin
    if ((add_en_i && !first_i) || read_en_i) acc_o <= mem[index];
    if (add_q) mem[index_q] <= total;
  end

  assign base = first_q ? init_i : acc_o;

  for (genvar c = 0; c < Cols; c++) begin : gen_add
    logic signed [31:0] sum;

    partial_sum u_add (
      .acc_i ($signed(base[32*c+:32])),
      .sum_i ($signed(sum_q[20*c+:20])),
      .acc_o (sum)
    );

    assign total[32*c+:32] = sum;
  end

`ifndef SYNTHESIS
  a_word_in_flight: assert property (@(posedge clk_i) disable iff (!rst_ni)
      (add_en_i && !first_i || read_en_i) && add_q |-> index != index_q);
  a_one_use: assert property (@(posedge clk_i) disable iff (!rst_ni) !(add_en_i && read_en_i));
  a_index: assert property (@(posedge clk_i) disable iff (!rst_ni)
      add_en_i || read_en_i |-> 32'(index_i) < Depth);
`endif

endmodule
