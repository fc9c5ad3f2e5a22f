// Rows x Cols processing elements: multiplies a streamed vector by a held tile and sums down the
// columns.
//
//   sum[c] = sum over rows r in row_mask of L_sel(a[r], held[r][c])
//
// A tile is loaded row by row into a shadow; it moves into the operand registers together with the
// vector that uses it, so the multipliers see each pair of operands once and rest in all other
// cycles. A row outside row_mask keeps its operands and adds nothing to the sums.
//
// Latency: load_*_i is in force for a vector of the next cycle; sum_o is combinational behind the
// operand registers, valid in the cycle after operand_en_i. clk_operand_i is clk_i, or clk_i gated
// by operand_en_i: the function is the same.
// Formats: load_data_i Cols x int8; a_i Rows x int8; sum_o Cols x int20 (Rows <= 16 products of
// int16).
module pe_array #(
  parameter int unsigned Rows = 16,
  parameter int unsigned Cols = 16
) (
  input  logic               clk_i,
  input  logic               clk_operand_i,
  input  logic               load_en_i,
  input  logic [3:0]         load_row_i,
  input  logic [Cols*8-1:0]  load_data_i,
  input  logic               operand_en_i,
  input  logic [3:0]         sel_i,
  input  logic [Rows-1:0]    row_mask_i,
  input  logic [Rows*8-1:0]  a_i,
  output logic [Cols*20-1:0] sum_o
);

  if (Rows < 1 || Rows > 16) begin : gen_rows_error
    $error("pe_array: Rows must be 1..16");
  end
  if (Cols < 1 || Cols > 16) begin : gen_cols_error
    $error("pe_array: Cols must be 1..16");
  end

  logic [3:0]      sel_q;
  logic [Rows-1:0] row_mask_q;

  always_ff @(posedge clk_operand_i) begin
    if (operand_en_i) begin
      sel_q      <= sel_i;
      row_mask_q <= row_mask_i;
    end
  end

  logic [Rows*Cols*16-1:0] products;

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    logic [Cols*8-1:0]  shadow_q, held_q;
    logic signed [7:0]  a_q;

    always_ff @(posedge clk_i) begin
      if (load_en_i && load_row_i == 4'(r)) shadow_q <= load_data_i;
    end

    always_ff @(posedge clk_operand_i) begin
      if (operand_en_i && row_mask_i[r]) begin
        a_q    <= $signed(a_i[8*r+:8]);
        held_q <= shadow_q;
      end
    end

    for (genvar c = 0; c < Cols; c++) begin : gen_col
      logic signed [15:0] product;

      pe_mul u_mul (
        .sel_i (sel_q),
        .a_i   (a_q),
        .b_i   ($signed(held_q[8*c+:8])),
        .p_o   (product)
      );

      assign products[16*(r*Cols+c)+:16] = product;
    end
  end

  for (genvar c = 0; c < Cols; c++) begin : gen_sum
    logic [Rows*16-1:0] column;
    logic signed [19:0] sum;

    for (genvar r = 0; r < Rows; r++) begin : gen_product
      assign column[16*r+:16] = products[16*(r*Cols+c)+:16];
    end

    column_sum #(
      .Rows (Rows)
    ) u_sum (
      .products_i (column),
      .row_mask_i (row_mask_q),
      .sum_o      (sum)
    );

    assign sum_o[20*c+:20] = sum;
  end

endmodule
