// Squash of one capsule: v = s |s| / (1 + |s|^2) (docs/numerics.md, section 5), or only its squared
// norm.
//
//   n = max(0, sum L_sel(s_d, s_d)); root = isqrt(n * 2^12); gain = root * 2^15 / (2^(2f) + n)
//   v_d = saturate(round_shift(s_d * gain, 14))
//
// One capsule at a time, valid/ready on both sides. Latency from acceptance to out_valid_o: 2D + 22
// cycles, with norm_only_i D + 1; a new capsule is taken in the cycle in which the old one leaves.
// Formats: s_i 16 x int8 with fraction length f_i (0..7), element d in byte d, the first dim_i
// (1..16) count; v_o 16 x int8 with fraction length 7, 0 from element dim on and where only the
// norm was asked for; norm_o unsigned 19 bits with fraction length 2f.
module squash_unit (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         clear_i,
  input  logic         in_valid_i,
  output logic         in_ready_o,
  input  logic [127:0] s_i,
  input  logic [4:0]   dim_i,
  input  logic [2:0]   f_i,
  input  logic [3:0]   sel_i,
  input  logic         norm_only_i,
  output logic         out_valid_o,
  input  logic         out_ready_i,
  output logic [127:0] v_o,
  output logic [18:0]  norm_o
);

  typedef enum logic [2:0] {Idle, Norm, Root, Divide, Scale, Out} state_e;

  state_e             state_q;
  logic [127:0]       s_q, v_q;
  logic [3:0]         index_q, last_q;
  logic [2:0]         f_q;
  logic [3:0]         sel_q;
  logic               norm_only_q;
  logic signed [19:0] sum_q, sum_d;
  logic [18:0]        norm_d, norm_q;
  logic               accept, last;
  logic signed [7:0]  element;

  assign in_ready_o = state_q == Idle || (state_q == Out && out_ready_i);
  assign accept     = in_valid_i && in_ready_o && !clear_i;
  assign last       = index_q == last_q;
  assign element    = $signed(s_q[8*index_q+:8]);

  // Sum of squares. The operand rests at 0 outside Norm.
  logic signed [7:0]  operand;
  logic signed [15:0] product;

  assign operand = (state_q == Norm) ? element : 8'sd0;

  pe_mul u_mul (
    .sel_i (sel_q),
    .a_i   (operand),
    .b_i   (operand),
    .p_o   (product)
  );

  assign sum_d  = sum_q + 20'(product);
  assign norm_d = sum_d[19] ? '0 : sum_d[18:0];

  // Root and gain.
  logic        root_start, root_done, gain_done;
  logic [15:0] root;
  logic [19:0] den;
  logic [21:0] gain;

  assign root_start = state_q == Norm && last && !norm_only_q;
  assign den        = (20'd1 << {f_q, 1'b0}) + 20'(norm_q);

  isqrt #(
    .Width (32)
  ) u_isqrt (
    .clk_i,
    .rst_ni,
    .start_i (root_start),
    .x_i     ({1'b0, norm_d, 12'd0}),
    .done_o  (root_done),
    .root_o  (root)
  );

  divider #(
    .NumBits      (31),
    .DenBits      (20),
    .QuotientBits (22)
  ) u_divider (
    .clk_i,
    .rst_ni,
    .start_i    (root_done),
    .num_i      ({root, 15'd0}),
    .den_i      (den),
    .done_o     (gain_done),
    .quotient_o (gain)
  );

  // One element a cycle. |s_d * gain| <= 127 * 2^20, below 2^27.
  logic signed [29:0] scaled;
  logic signed [15:0] rounded;
  logic signed [7:0]  v_element;
  logic               unused_scaled;

  assign scaled  = 30'(element) * 30'($signed({1'b0, gain})) + 30'sd8192;
  assign rounded = scaled[29:14];
  assign unused_scaled = ^scaled[13:0];

  always_comb begin
    if (rounded > 16'sd127)       v_element = 8'sd127;
    else if (rounded < -16'sd127) v_element = -8'sd127;
    else                          v_element = rounded[7:0];
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
    end else if (clear_i) begin
      state_q <= Idle;
    end else begin
      unique case (state_q)
        Idle:    if (accept) state_q <= Norm;
        Norm:    if (last) state_q <= norm_only_q ? Out : Root;
        Root:    if (root_done) state_q <= Divide;
        Divide:  if (gain_done) state_q <= Scale;
        Scale:   if (last) state_q <= Out;
        Out:     if (out_ready_i) state_q <= accept ? Norm : Idle;
        default: state_q <= Idle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (accept) begin
      s_q         <= s_i;
      last_q      <= dim_i[3:0] - 4'd1;
      f_q         <= f_i;
      sel_q       <= sel_i;
      norm_only_q <= norm_only_i;
      index_q     <= '0;
      sum_q       <= '0;
      v_q         <= '0;
    end else if (state_q == Norm) begin
      sum_q   <= sum_d;
      norm_q  <= norm_d;
      index_q <= last ? '0 : index_q + 4'd1;
    end else if (state_q == Scale) begin
      v_q[8*index_q+:8] <= v_element;
      index_q <= last ? '0 : index_q + 4'd1;
    end
  end

  assign out_valid_o = state_q == Out;
  assign v_o         = v_q;
  assign norm_o      = norm_q;

  logic unused_dim;
  assign unused_dim = dim_i[4];  // 16 is 0 - 1 = 15 in four bits

`ifndef SYNTHESIS
  a_dim: assert property (@(posedge clk_i) disable iff (!rst_ni)
      accept |-> dim_i >= 5'd1 && dim_i <= 5'd16);
  a_gain: assert property (@(posedge clk_i) disable iff (!rst_ni)
      state_q == Scale |-> gain <= 22'd1048576);
`endif

endmodule
