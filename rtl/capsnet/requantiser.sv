// One lane from accumulator to element: round, saturate, optionally add the old element or rectify.
//
//   q = saturate(round_shift(acc, shift) + (accumulate ? old : 0)); with relu, negative q become 0
//
// Latency: combinational. acc_i: int32; shift_i: 0..31; old_i: int8; q_o: int8 in [-127, 127].
module requantiser (
  input  logic signed [31:0] acc_i,
  input  logic        [4:0]  shift_i,
  input  logic               relu_i,
  input  logic               accumulate_i,
  input  logic signed [7:0]  old_i,
  output logic signed [7:0]  q_o
);

  logic signed [32:0] half, rounded;
  logic signed [33:0] total;
  logic signed [7:0]  saturated;

  // 2^(shift-1), and 0 for a shift of 0.
  assign half    = 33'((34'd1 << shift_i) >> 1);
  assign rounded = (33'(acc_i) + half) >>> shift_i;
  assign total   = 34'(rounded) + (accumulate_i ? 34'(old_i) : 34'sd0);

  always_comb begin
    if (total > 34'sd127)       saturated = 8'sd127;
    else if (total < -34'sd127) saturated = -8'sd127;
    else                        saturated = total[7:0];
  end

  assign q_o = (relu_i && saturated < 8'sd0) ? 8'sd0 : saturated;

endmodule
