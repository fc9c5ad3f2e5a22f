// A small sequential unit for tests: acc = acc + a * b when enable_i, 0 on clear_i or reset.
//
// Latency: 1 cycle. a_i, b_i: signed 8 bits; acc_o: signed 20 bits, wraps.

module multiply_accumulate (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        enable_i,
  input  logic        clear_i,
  input  logic [7:0]  a_i,
  input  logic [7:0]  b_i,
  output logic [19:0] acc_o
);

  logic signed [15:0] product;
  logic signed [19:0] extended;
  logic signed [19:0] acc_d, acc_q;

  assign product  = $signed(a_i) * $signed(b_i);
  assign extended = {{4{product[15]}}, product};

  always_comb begin
    acc_d = acc_q;
    if (clear_i) begin
      acc_d = '0;
    end else if (enable_i) begin
      acc_d = acc_q + extended;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      acc_q <= '0;
    end else begin
      acc_q <= acc_d;
    end
  end

  assign acc_o = acc_q;

endmodule
