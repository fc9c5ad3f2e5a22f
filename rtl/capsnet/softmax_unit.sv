// Softmax of one row of logits (docs/numerics.md, section 6).
//
//   k_j = round_shift((max - b_j) * 369, f + 3); e_j = T[k_j mod 32] >> (k_j div 32), 0 beyond 15
//   R = 2^31 / sum e_j; c_j = saturate(round_shift(e_j * R, 24))
//
// One row at a time, valid/ready on both sides. Latency from acceptance to out_valid_o: 2J + 12
// cycles; a new row is taken in the cycle in which the old one leaves.
// Formats: b_i 16 x int8 with fraction length f_i (0..7), logit j in byte j, the first dim_i
// (1..16) count; c_o 16 x int8 in [0, 127] with fraction length 7, 0 from element dim on.
module softmax_unit (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         clear_i,
  input  logic         in_valid_i,
  output logic         in_ready_o,
  input  logic [127:0] b_i,
  input  logic [4:0]   dim_i,
  input  logic [2:0]   f_i,
  output logic         out_valid_o,
  input  logic         out_ready_i,
  output logic [127:0] c_o
);

  typedef enum logic [2:0] {Idle, Max, Exp, Divide, Scale, Out} state_e;

  // T[r] = floor(2^15 * 2^(-r/32) + 1/2)
  function automatic logic [15:0] exp2_table(input logic [4:0] r);
    unique case (r)
      5'd0:    exp2_table = 16'd32768;
      5'd1:    exp2_table = 16'd32066;
      5'd2:    exp2_table = 16'd31379;
      5'd3:    exp2_table = 16'd30706;
      5'd4:    exp2_table = 16'd30048;
      5'd5:    exp2_table = 16'd29405;
      5'd6:    exp2_table = 16'd28774;
      5'd7:    exp2_table = 16'd28158;
      5'd8:    exp2_table = 16'd27554;
      5'd9:    exp2_table = 16'd26964;
      5'd10:   exp2_table = 16'd26386;
      5'd11:   exp2_table = 16'd25821;
      5'd12:   exp2_table = 16'd25268;
      5'd13:   exp2_table = 16'd24726;
      5'd14:   exp2_table = 16'd24196;
      5'd15:   exp2_table = 16'd23678;
      5'd16:   exp2_table = 16'd23170;
      5'd17:   exp2_table = 16'd22674;
      5'd18:   exp2_table = 16'd22188;
      5'd19:   exp2_table = 16'd21713;
      5'd20:   exp2_table = 16'd21247;
      5'd21:   exp2_table = 16'd20792;
      5'd22:   exp2_table = 16'd20347;
      5'd23:   exp2_table = 16'd19911;
      5'd24:   exp2_table = 16'd19484;
      5'd25:   exp2_table = 16'd19066;
      5'd26:   exp2_table = 16'd18658;
      5'd27:   exp2_table = 16'd18258;
      5'd28:   exp2_table = 16'd17867;
      5'd29:   exp2_table = 16'd17484;
      5'd30:   exp2_table = 16'd17109;
      default: exp2_table = 16'd16743;
    endcase
  endfunction

  state_e            state_q;
  logic [127:0]      b_q, c_q;
  logic [255:0]      e_q;  // 16 x unsigned 16 bits, fraction length 15
  logic [3:0]        index_q, last_q;
  logic [2:0]        f_q;
  logic signed [7:0] max_q;
  logic [19:0]       sum_q, sum_d;
  logic              accept, last;

  assign in_ready_o = state_q == Idle || (state_q == Out && out_ready_i);
  assign accept     = in_valid_i && in_ready_o && !clear_i;
  assign last       = index_q == last_q;

  // Largest logit, as a tree of four levels.
  logic signed [7:0] max_d;

  always_comb begin
    logic [127:0] level;
    level = b_q;
    for (int j = 1; j < 16; j++) begin
      if (j > 32'(last_q)) level[8*j+:8] = b_q[7:0];
    end
    for (int width = 8; width >= 1; width = width / 2) begin
      for (int j = 0; j < width; j++) begin
        if ($signed(level[8*(j+width)+:8]) > $signed(level[8*j+:8])) begin
          level[8*j+:8] = level[8*(j+width)+:8];
        end
      end
    end
    max_d = level[7:0];
  end

  // Exponential of one logit: 2^(-k/32) with k in 1/32.
  logic [7:0]  distance;
  logic [17:0] scaled, k;
  logic [15:0] e;

  assign distance = 8'(9'(max_q) - 9'($signed(b_q[8*index_q+:8])));
  assign scaled   = 18'(distance) * 18'd369;
  assign k        = (scaled + (18'd4 << f_q)) >> (5'(f_q) + 5'd3);

  assign e     = (k[17:5] > 13'd15) ? '0 : exp2_table(k[4:0]) >> k[8:5];
  assign sum_d = sum_q + 20'(e);

  // R = 2^31 / sum; its 17 bits are padded to an even number.
  logic        reciprocal_start, reciprocal_done;
  logic [17:0] reciprocal;

  assign reciprocal_start = state_q == Exp && last;

  divider #(
    .NumBits      (32),
    .DenBits      (20),
    .QuotientBits (18)
  ) u_divider (
    .clk_i,
    .rst_ni,
    .start_i    (reciprocal_start),
    .num_i      (32'h8000_0000),
    .den_i      (sum_d),
    .done_o     (reciprocal_done),
    .quotient_o (reciprocal)
  );

  // e * R <= 2^31; the rounded result is at most 128.
  logic [33:0] weighted;
  logic [7:0]  c_element;
  logic        unused_weighted;

  assign weighted  = 34'(e_q[16*index_q+:16]) * 34'(reciprocal) + 34'd8388608;
  assign c_element = (weighted[33:24] > 10'd127) ? 8'd127 : weighted[31:24];
  assign unused_weighted = ^weighted[23:0];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
    end else if (clear_i) begin
      state_q <= Idle;
    end else begin
      unique case (state_q)
        Idle:    if (accept) state_q <= Max;
        Max:     state_q <= Exp;
        Exp:     if (last) state_q <= Divide;
        Divide:  if (reciprocal_done) state_q <= Scale;
        Scale:   if (last) state_q <= Out;
        Out:     if (out_ready_i) state_q <= accept ? Max : Idle;
        default: state_q <= Idle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (accept) begin
      b_q     <= b_i;
      last_q  <= dim_i[3:0] - 4'd1;
      f_q     <= f_i;
      index_q <= '0;
      sum_q   <= '0;
      c_q     <= '0;
    end else if (state_q == Max) begin
      max_q <= max_d;
    end else if (state_q == Exp) begin
      e_q[16*index_q+:16] <= e;
      sum_q   <= sum_d;
      index_q <= last ? '0 : index_q + 4'd1;
    end else if (state_q == Scale) begin
      c_q[8*index_q+:8] <= c_element;
      index_q <= last ? '0 : index_q + 4'd1;
    end
  end

  assign out_valid_o = state_q == Out;
  assign c_o         = c_q;

  logic unused_dim;
  assign unused_dim = dim_i[4];  // 16 is 0 - 1 = 15 in four bits

`ifndef SYNTHESIS
  a_dim: assert property (@(posedge clk_i) disable iff (!rst_ni)
      accept |-> dim_i >= 5'd1 && dim_i <= 5'd16);
  a_sum: assert property (@(posedge clk_i) disable iff (!rst_ni)
      reciprocal_start |-> sum_d >= 20'd32768 && sum_d <= 20'd524288);
`endif

endmodule
