// The adder of one column's accumulator; int32 wraps, and the compiler of programs rules that out.
//
// Latency: combinational. acc_i, acc_o: int32; sum_i: int20.
module partial_sum (
  input  logic signed [31:0] acc_i,
  input  logic signed [19:0] sum_i,
  output logic signed [31:0] acc_o
);

  assign acc_o = acc_i + 32'(sum_i);

endmodule
