// Executes MATMUL (docs/accelerator.md): loops and addresses, the PE array, the accumulators, the
// requantisers.
//
// One operation a cycle enters a pipeline in program order: load a row of the held tile, load four
// biases, stream a vector, drain an accumulator word.
//   stage 1  the scratchpad is addressed
//   stage 2  its data go to the tile's shadow, the bias register, the operand registers, or stage 3
//   stage 3  products and column sums; the accumulator is read
//   stage 4  the accumulator is written back, or its word is requantised
//   stage 5  the scratchpad is written
// A group takes taps * (R + M) + ceil(N / 4) with bias + M cycles, one more for M = 1 (its sum must
// reach the accumulator before it is drained), where M = M1 * M0; the instruction five more.
//
// start_i is a pulse with instr_i valid until done_o, a pulse. abort_i stops everything at once.
// mac_valid_o: a vector is in the array.
module matmul_unit #(
  parameter int unsigned Rows      = 16,
  parameter int unsigned Cols      = 16,
  parameter int unsigned AccDepth  = 512,
  parameter logic [7:0]  FaultMask = 8'd0
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         start_i,
  input  logic         abort_i,
  input  logic [511:0] instr_i,
  output logic         done_o,
  output logic         mac_valid_o,
  // scratchpad
  output logic         rd_en_o,
  output logic [31:0]  rd_addr_o,
  output logic [4:0]   rd_len_o,
  input  logic [127:0] rd_data_i,
  output logic         wr_en_o,
  output logic [31:0]  wr_addr_o,
  output logic [4:0]   wr_len_o,
  output logic [127:0] wr_data_o
);

  // Instruction fields.
  logic        use_bias, relu, accumulate;
  logic [4:0]  shift, active_rows, active_cols;
  logic [3:0]  sel;
  logic [31:0] act_addr, held_addr, out_addr, bias_addr;
  logic [15:0] m0_count, m1_count, k0_count, k1_count, g0_count, g1_count;
  logic [15:0] act_m0, act_m1, act_k0, act_k1, act_g0, act_g1;
  logic [15:0] out_m0, out_m1, out_g0, out_g1;
  logic [15:0] held_tap, held_row, held_g0, held_g1;
  logic        unused_instr;

  assign use_bias    = instr_i[32];
  assign relu        = instr_i[33];
  assign accumulate  = instr_i[34];
  assign shift       = instr_i[44:40];
  assign sel         = instr_i[51:48];
  assign active_rows = instr_i[56:52];
  assign active_cols = instr_i[61:57];
  assign act_addr    = instr_i[32*2+:32];
  assign held_addr   = instr_i[32*3+:32];
  assign out_addr    = instr_i[32*4+:32];
  assign bias_addr   = instr_i[32*5+:32];
  assign m0_count    = instr_i[32*6+:16];
  assign m1_count    = instr_i[32*6+16+:16];
  assign act_m0      = instr_i[32*7+:16];
  assign act_m1      = instr_i[32*7+16+:16];
  assign out_m0      = instr_i[32*8+:16];
  assign out_m1      = instr_i[32*8+16+:16];
  assign k0_count    = instr_i[32*9+:16];
  assign k1_count    = instr_i[32*9+16+:16];
  assign act_k0      = instr_i[32*10+:16];
  assign act_k1      = instr_i[32*10+16+:16];
  assign held_tap    = instr_i[32*11+:16];
  assign held_row    = instr_i[32*11+16+:16];
  assign g0_count    = instr_i[32*12+:16];
  assign g1_count    = instr_i[32*12+16+:16];
  assign act_g0      = instr_i[32*13+:16];
  assign act_g1      = instr_i[32*13+16+:16];
  assign held_g0     = instr_i[32*14+:16];
  assign held_g1     = instr_i[32*14+16+:16];
  assign out_g0      = instr_i[32*15+:16];
  assign out_g1      = instr_i[32*15+16+:16];
  assign unused_instr = ^{instr_i[31:0], instr_i[39:35], instr_i[47:45], instr_i[63:62]};

  // ---- Stage 1: loops and addresses. An address register holds the base of its loop's level.
  typedef enum logic [2:0] {Idle, Held, Bias, Stream, Gap, Drain, Flush} state_e;

  state_e      state_q;
  logic [3:0]  row_q;      // tile row, or bias word
  logic [15:0] m0_q, m1_q, k0_q, k1_q, g0_q, g1_q, index_q;
  logic [31:0] act_m0_q, act_m1_q, act_k0_q, act_k1_q, act_g0_q, act_g1_q;
  logic [31:0] out_m0_q, out_m1_q, out_g0_q, out_g1_q;
  logic [31:0] held_row_q, held_tap_q, held_g0_q, held_g1_q;
  logic [31:0] bias_word_q, bias_g0_q;

  logic last_row, last_bias, last_m0, last_m, last_k0, last_tap, last_g0, last_group;
  logic first_tap, single;
  logic [3:0] last_bias_word;

  assign last_bias_word = 4'((active_cols - 5'd1) >> 2);
  assign last_row   = row_q == 4'(active_rows - 5'd1);
  assign last_bias  = row_q == last_bias_word;
  assign last_m0    = m0_q == m0_count - 16'd1;
  assign last_m     = last_m0 && m1_q == m1_count - 16'd1;
  assign last_k0    = k0_q == k0_count - 16'd1;
  assign last_tap   = last_k0 && k1_q == k1_count - 16'd1;
  assign last_g0    = g0_q == g0_count - 16'd1;
  assign last_group = last_g0 && g1_q == g1_count - 16'd1;
  assign first_tap  = k0_q == '0 && k1_q == '0;
  assign single     = m0_count == 16'd1 && m1_count == 16'd1;

  // Where the next m, tap and group begin.
  logic [31:0] act_m1_next, act_k1_next, act_tap_next, held_tap_next, out_m1_next;
  logic [31:0] act_g1_next, act_group_next, held_g1_next, held_group_next;
  logic [31:0] out_g1_next, out_group_next;

  assign act_m1_next     = act_m1_q + 32'(act_m1);
  assign out_m1_next     = out_m1_q + 32'(out_m1);
  assign act_k1_next     = act_k1_q + 32'(act_k1);
  assign act_tap_next    = last_k0 ? act_k1_next : act_k0_q + 32'(act_k0);
  assign held_tap_next   = held_tap_q + 32'(held_tap);
  assign act_g1_next     = act_g1_q + 32'(act_g1);
  assign act_group_next  = last_g0 ? act_g1_next : act_g0_q + 32'(act_g0);
  assign held_g1_next    = held_g1_q + 32'(held_g1);
  assign held_group_next = last_g0 ? held_g1_next : held_g0_q + 32'(held_g0);
  assign out_g1_next     = out_g1_q + 32'(out_g1);
  assign out_group_next  = last_g0 ? out_g1_next : out_g0_q + 32'(out_g0);

  logic pipeline_empty;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
    end else if (abort_i) begin
      state_q <= Idle;
    end else begin
      unique case (state_q)
        Idle:    if (start_i) state_q <= Held;
        Held:    if (last_row) state_q <= (use_bias && first_tap) ? Bias : Stream;
        Bias:    if (last_bias) state_q <= Stream;
        Stream:  if (last_m) state_q <= !last_tap ? Held : single ? Gap : Drain;
        Gap:     state_q <= Drain;
        Drain:   if (last_m) state_q <= last_group ? Flush : Held;
        Flush:   if (pipeline_empty) state_q <= Idle;
        default: state_q <= Idle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    unique case (state_q)
      Idle: if (start_i) begin
        {row_q, m0_q, m1_q, k0_q, k1_q, g0_q, g1_q, index_q} <= '0;
        act_m0_q    <= act_addr;
        act_m1_q    <= act_addr;
        act_k0_q    <= act_addr;
        act_k1_q    <= act_addr;
        act_g0_q    <= act_addr;
        act_g1_q    <= act_addr;
        out_m0_q    <= out_addr;
        out_m1_q    <= out_addr;
        out_g0_q    <= out_addr;
        out_g1_q    <= out_addr;
        held_row_q  <= held_addr;
        held_tap_q  <= held_addr;
        held_g0_q   <= held_addr;
        held_g1_q   <= held_addr;
        bias_word_q <= bias_addr;
        bias_g0_q   <= bias_addr;
      end
      Held: begin
        row_q      <= last_row ? '0 : row_q + 4'd1;
        held_row_q <= held_row_q + 32'(held_row);
      end
      Bias: begin
        row_q       <= last_bias ? '0 : row_q + 4'd1;
        bias_word_q <= bias_word_q + 32'd16;
      end
      Stream, Drain: begin
        if (!last_m0) begin
          m0_q     <= m0_q + 16'd1;
          index_q  <= index_q + 16'd1;
          act_m0_q <= act_m0_q + 32'(act_m0);
          if (state_q == Drain) out_m0_q <= out_m0_q + 32'(out_m0);
        end else if (!last_m) begin
          m0_q     <= '0;
          m1_q     <= m1_q + 16'd1;
          index_q  <= index_q + 16'd1;
          act_m0_q <= act_m1_next;
          act_m1_q <= act_m1_next;
          if (state_q == Drain) begin
            out_m0_q <= out_m1_next;
            out_m1_q <= out_m1_next;
          end
        end else begin
          m0_q    <= '0;
          m1_q    <= '0;
          index_q <= '0;
          if (state_q == Stream) begin
            k0_q       <= last_k0 ? '0 : k0_q + 16'd1;
            k1_q       <= last_tap ? '0 : last_k0 ? k1_q + 16'd1 : k1_q;
            act_m0_q   <= act_tap_next;
            act_m1_q   <= act_tap_next;
            act_k0_q   <= act_tap_next;
            held_row_q <= held_tap_next;
            held_tap_q <= held_tap_next;
            if (last_k0) act_k1_q <= act_k1_next;
          end else begin
            g0_q        <= last_g0 ? '0 : g0_q + 16'd1;
            act_m0_q    <= act_group_next;
            act_m1_q    <= act_group_next;
            act_k0_q    <= act_group_next;
            act_k1_q    <= act_group_next;
            act_g0_q    <= act_group_next;
            held_row_q  <= held_group_next;
            held_tap_q  <= held_group_next;
            held_g0_q   <= held_group_next;
            out_m0_q    <= out_group_next;
            out_m1_q    <= out_group_next;
            out_g0_q    <= out_group_next;
            bias_word_q <= last_g0 ? bias_addr : bias_g0_q + 32'd64;
            bias_g0_q   <= last_g0 ? bias_addr : bias_g0_q + 32'd64;
            if (last_g0) begin
              g1_q      <= g1_q + 16'd1;
              act_g1_q  <= act_g1_next;
              held_g1_q <= held_g1_next;
              out_g1_q  <= out_g1_next;
            end
          end
        end
      end
      default: ;
    endcase
  end

  always_comb begin
    rd_en_o   = 1'b0;
    rd_addr_o = '0;
    rd_len_o  = 5'd1;
    unique case (state_q)
      Held: begin
        rd_en_o   = 1'b1;
        rd_addr_o = held_row_q;
        rd_len_o  = active_cols;
      end
      Bias: begin
        rd_en_o   = 1'b1;
        rd_addr_o = bias_word_q;
        rd_len_o  = last_bias ? {5'((active_cols - 5'd1) & 5'd3) + 5'd1} << 2 : 5'd16;
      end
      Stream: begin
        rd_en_o   = 1'b1;
        rd_addr_o = act_m0_q;
        rd_len_o  = active_rows;
      end
      Drain: begin
        rd_en_o   = accumulate;
        rd_addr_o = out_m0_q;
        rd_len_o  = active_cols;
      end
      default: ;
    endcase
  end

  // ---- Stage 2: the scratchpad's data.
  logic        held2_q, bias2_q, act2_q, drain2_q, first2_q;
  logic [3:0]  row2_q;
  logic [15:0] index2_q;
  logic [31:0] out2_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {held2_q, bias2_q, act2_q, drain2_q} <= '0;
    end else if (abort_i) begin
      {held2_q, bias2_q, act2_q, drain2_q} <= '0;
    end else begin
      held2_q  <= state_q == Held;
      bias2_q  <= state_q == Bias;
      act2_q   <= state_q == Stream;
      drain2_q <= state_q == Drain;
    end
  end

  always_ff @(posedge clk_i) begin
    first2_q <= first_tap;
    row2_q   <= row_q;
    index2_q <= index_q;
    out2_q   <= out_m0_q;
  end

  logic [Rows-1:0]   row_mask;
  logic [Cols*8-1:0] held_data;

  always_comb begin
    for (int r = 0; r < Rows; r++) row_mask[r] = 5'(r) < active_rows;
    for (int c = 0; c < Cols; c++) begin
      held_data[8*c+:8] = (5'(c) < active_cols) ? rd_data_i[8*c+:8] : 8'd0;
    end
  end

  logic [Cols*32-1:0] bias_q, init;

  for (genvar c = 0; c < Cols; c++) begin : gen_bias
    always_ff @(posedge clk_i) begin
      if (bias2_q && row2_q == 4'(c / 4)) bias_q[32*c+:32] <= rd_data_i[32*(c%4)+:32];
    end
  end

  assign init = use_bias ? bias_q : '0;

  // ---- Stage 3: products and column sums.
  logic               clk_operand;
  logic               act3_q, drain3_q, first3_q;
  logic [15:0]        index3_q;
  logic [31:0]        out3_q;
  logic [Cols*8-1:0]  old3_q;
  logic [Cols*20-1:0] sum;

  clock_gate u_clock_gate (
    .clk_i,
    .en_i  (act2_q),
    .clk_o (clk_operand)
  );

  pe_array #(
    .Rows (Rows),
    .Cols (Cols)
  ) u_pe_array (
    .clk_i,
    .clk_operand_i (clk_operand),
    .load_en_i     (held2_q),
    .load_row_i    (row2_q),
    .load_data_i   (held_data),
    .operand_en_i  (act2_q),
    .sel_i         (sel),
    .row_mask_i    (row_mask),
    .a_i           (rd_data_i[Rows*8-1:0]),
    .sum_o         (sum)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {act3_q, drain3_q} <= '0;
    end else if (abort_i) begin
      {act3_q, drain3_q} <= '0;
    end else begin
      act3_q   <= act2_q;
      drain3_q <= drain2_q;
    end
  end

  always_ff @(posedge clk_i) begin
    first3_q <= first2_q;
    index3_q <= index2_q;
    out3_q   <= out2_q;
    if (drain2_q) old3_q <= rd_data_i[Cols*8-1:0];
  end

  assign mac_valid_o = act3_q;

  // ---- Stage 4: accumulate or requantise.
  logic               drain4_q;
  logic [31:0]        out4_q;
  logic [Cols*8-1:0]  old4_q, quantised;
  logic [Cols*32-1:0] acc;

  accumulator #(
    .Cols  (Cols),
    .Depth (AccDepth)
  ) u_accumulator (
    .clk_i,
    .rst_ni,
    .add_en_i  (act3_q),
    .read_en_i (drain3_q),
    .first_i   (first3_q),
    .index_i   (index3_q),
    .sum_i     (sum),
    .init_i    (init),
    .acc_o     (acc)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) drain4_q <= 1'b0;
    else         drain4_q <= drain3_q && !abort_i;
  end

  always_ff @(posedge clk_i) begin
    if (drain3_q) begin
      out4_q <= out3_q;
      old4_q <= old3_q;
    end
  end

  for (genvar c = 0; c < Cols; c++) begin : gen_lane
    logic signed [7:0] lane;

    requantiser u_requantiser (
      .acc_i        ($signed(acc[32*c+:32])),
      .shift_i      (shift),
      .relu_i       (relu),
      .accumulate_i (accumulate),
      .old_i        ($signed(old4_q[8*c+:8])),
      .q_o          (lane)
    );

    if (c == 0) begin : gen_fault
      assign quantised[8*c+:8] = lane ^ FaultMask;
    end else begin : gen_lane_out
      assign quantised[8*c+:8] = lane;
    end
  end

  // ---- Stage 5: write.
  logic              drain5_q;
  logic [31:0]       out5_q;
  logic [Cols*8-1:0] quantised_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) drain5_q <= 1'b0;
    else         drain5_q <= drain4_q && !abort_i;
  end

  always_ff @(posedge clk_i) begin
    if (drain4_q) begin
      out5_q      <= out4_q;
      quantised_q <= quantised;
    end
  end

  assign wr_en_o   = drain5_q;
  assign wr_addr_o = out5_q;
  assign wr_len_o  = active_cols;
  assign wr_data_o = 128'(quantised_q);

  assign pipeline_empty = !(drain2_q || drain3_q || drain4_q || drain5_q);
  assign done_o         = state_q == Flush && pipeline_empty;

endmodule
