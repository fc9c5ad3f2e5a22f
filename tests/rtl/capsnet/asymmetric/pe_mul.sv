// Sixteen multipliers for the benches: none but the first is exact, commutes or maps zeros to zero, so that
// swapped operands, a wrong sel_i or an idle lane that is summed show.
module pe_mul (
  input  logic        [3:0]  sel_i,
  input  logic signed [7:0]  a_i,
  input  logic signed [7:0]  b_i,
  output logic signed [15:0] p_o
);

  logic signed [15:0] exact;

  assign exact = a_i * b_i;

  always_comb begin
    unique case (sel_i)
      4'd0:    p_o = exact;
      4'd1:    p_o = exact + 16'(a_i) + 16'sd3;
      4'd2:    p_o = exact - (16'(b_i) <<< 1) - 16'sd700;
      default: p_o = {exact[15:4], 4'd0} + 16'(a_i) - 16'(b_i) + 16'sd17 * $signed({12'd0, sel_i});
    endcase
  end

endmodule
