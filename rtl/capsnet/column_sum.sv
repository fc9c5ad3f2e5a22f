// Sum of the products of one column of the array; rows outside the mask add nothing.
//
// Latency: combinational. products_i: Rows x int16; sum_o: int20, exact for Rows <= 16.
module column_sum #(
  parameter int unsigned Rows = 16
) (
  input  logic [Rows*16-1:0] products_i,
  input  logic [Rows-1:0]    row_mask_i,
  output logic signed [19:0] sum_o
);

  if (Rows < 1 || Rows > 16) begin : gen_rows_error
    $error("column_sum: Rows must be 1..16");
  end

  always_comb begin
    sum_o = '0;
    for (int r = 0; r < Rows; r++) begin
      if (row_mask_i[r]) sum_o = sum_o + 20'($signed(products_i[16*r+:16]));
    end
  end

endmodule
