// The exact multiplier of a processing element. A build for other components puts another module of
// this name and these ports in its place, with up to sixteen multipliers chosen by sel_i.
//
// Latency: combinational. a_i: first operand, int8. b_i: second operand, int8. p_o: L(a, b), int16.
module pe_mul (
  input  logic        [3:0]  sel_i,
  input  logic signed [7:0]  a_i,
  input  logic signed [7:0]  b_i,
  output logic signed [15:0] p_o
);

  logic unused_sel;
  assign unused_sel = ^sel_i;

  assign p_o = a_i * b_i;

endmodule
