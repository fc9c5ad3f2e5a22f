// Fetches, checks and dispatches instructions one after another; stops at END or at the first
// error; counts. A bad field, a range outside the scratchpad or too many outputs are found before
// anything is dispatched; addresses that a unit generates while it runs are judged by the
// scratchpad (address_error_i).
//
// The units' start pulses come with instr_o, which stays until the unit is done; abort_o stops
// them.
module sequencer #(
  parameter int unsigned Rows             = 16,
  parameter int unsigned Cols             = 16,
  parameter int unsigned ScratchBytesLog2 = 17,
  parameter int unsigned AccDepth         = 512
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  // registers
  input  logic         start_i,
  input  logic         clear_done_i,
  input  logic         clear_error_i,
  input  logic [31:0]  program_i,
  input  logic [127:0] bases_i,
  output logic         busy_o,
  output logic         done_o,
  output logic         error_o,
  output logic [7:0]   error_code_o,
  output logic [63:0]  cycles_o,
  output logic [31:0]  trace_cycles_o,
  output logic [31:0]  instructions_o,
  output logic [63:0]  macs_o,
  output logic [31:0]  read_beats_o,
  output logic [31:0]  write_beats_o,
  output logic [31:0]  pc_o,
  // DMA
  output logic         dma_start_o,
  output logic [1:0]   dma_command_o,
  output logic [31:0]  dma_memory_addr_o,
  output logic [31:0]  dma_scratch_addr_o,
  output logic [27:0]  dma_words_o,
  output logic [7:0]   dma_fill_o,
  input  logic         dma_done_i,
  input  logic [7:0]   dma_error_i,
  input  logic         fetch_valid_i,
  input  logic [127:0] fetch_data_i,
  input  logic         read_beat_i,
  input  logic         write_beat_i,
  // units
  output logic [511:0] instr_o,
  output logic         abort_o,
  output logic         matmul_start_o,
  input  logic         matmul_done_i,
  input  logic         mac_valid_i,
  output logic         rowwise_start_o,
  input  logic         rowwise_done_i,
  input  logic         address_error_i
);

  typedef enum logic [2:0] {Idle, Fetch, FetchWait, Decode, Dispatch, Execute} state_e;

  state_e       state_q;
  logic [511:0] instr_q;
  logic [31:0]  pc_q;
  logic [7:0]   opcode;
  logic [31:0]  w1, w2, w3, w4, w5, w6, w9, w12;

  assign opcode = instr_q[7:0];
  assign w1     = instr_q[32*1+:32];
  assign w2     = instr_q[32*2+:32];
  assign w3     = instr_q[32*3+:32];
  assign w4     = instr_q[32*4+:32];
  assign w5     = instr_q[32*5+:32];
  assign w6     = instr_q[32*6+:32];
  assign w9     = instr_q[32*9+:32];
  assign w12    = instr_q[32*12+:32];

  logic unused_fields;  // judged with the whole instruction below
  assign unused_fields = ^{w1[31:30], w1[19:4], w5[31:8]};

  // ---- Checks. Bits outside the opcode's fields must be zero: words 15..1, then word 0.
  localparam logic [31:0] ALL  = 32'hFFFF_FFFF;
  localparam logic [31:0] LOW  = 32'h0000_FFFF;
  localparam logic [31:0] NONE = 32'd0;

  logic [511:0] fields;
  logic         illegal, out_of_range, too_deep;

  always_comb begin
    unique case (opcode)
      capsnet_pkg::OP_END:      fields = 512'd0;
      capsnet_pkg::OP_LOAD, capsnet_pkg::OP_STORE:
        fields = {{11{NONE}}, {3{ALL}}, 32'h0000_0003, NONE};
      capsnet_pkg::OP_FILL:
        fields = {{10{NONE}}, 32'h0000_00FF, {2{ALL}}, NONE, NONE, NONE};
      capsnet_pkg::OP_MATMUL:   fields = {{14{ALL}}, 32'h3FFF_1F07, NONE};
      capsnet_pkg::OP_SQUASH:
        fields = {{7{NONE}}, {3{LOW}}, NONE, ALL, NONE, ALL, 32'h01FF_000F, NONE};
      capsnet_pkg::OP_SOFTMAX:
        fields = {{7{NONE}}, ALL, {2{LOW}}, NONE, ALL, NONE, ALL, 32'h01F0_000F, NONE};
      capsnet_pkg::OP_CLASSIFY:
        fields = {{8{NONE}}, {2{LOW}}, NONE, ALL, NONE, ALL, 32'h01FF_0000, NONE};
      default:                  fields = 512'd0;
    endcase
    fields[31:0] = 32'hFFFF_01FF;
  end

  logic [4:0] w1_dim, w1_cols;  // [24:20]: rows, D or J; [29:25]: columns
  logic       bad_dim16, bad_f;

  assign w1_dim    = w1[24:20];
  assign w1_cols   = w1[29:25];
  assign bad_dim16 = w1_dim == '0 || w1_dim > 5'd16;
  assign bad_f     = w1[3:0] > 4'd7;

  always_comb begin
    unique case (opcode)
      capsnet_pkg::OP_END:  illegal = 1'b0;
      capsnet_pkg::OP_LOAD, capsnet_pkg::OP_STORE:
        illegal = w2[3:0] != '0 || w3[3:0] != '0 || w4[3:0] != '0 || w4 == '0;
      capsnet_pkg::OP_FILL: illegal = w3[3:0] != '0 || w4[3:0] != '0 || w4 == '0;
      capsnet_pkg::OP_MATMUL:
        illegal = w1_dim == '0 || 32'(w1_dim) > Rows || w1_cols == '0 || 32'(w1_cols) > Cols ||
                  w5[3:0] != '0 || w6[15:0] == '0 || w6[31:16] == '0 || w9[15:0] == '0 ||
                  w9[31:16] == '0 || w12[15:0] == '0 || w12[31:16] == '0;
      capsnet_pkg::OP_SQUASH, capsnet_pkg::OP_SOFTMAX:
        illegal = bad_dim16 || bad_f || w6[15:0] == '0;
      capsnet_pkg::OP_CLASSIFY:
        illegal = bad_dim16 || w4[3:0] != '0 || w6[15:0] == '0 || w6[15:0] > 16'd16;
      default:              illegal = 1'b1;
    endcase
    if ((instr_q & ~fields) != '0) illegal = 1'b1;
  end

  logic [32:0] range_end;
  logic        is_dma;

  assign is_dma       = opcode == capsnet_pkg::OP_LOAD || opcode == capsnet_pkg::OP_STORE ||
                        opcode == capsnet_pkg::OP_FILL;
  assign range_end    = {1'b0, w3} + {1'b0, w4};
  assign out_of_range = is_dma && range_end > (33'd1 << ScratchBytesLog2);
  assign too_deep     = opcode == capsnet_pkg::OP_MATMUL &&
                        32'(w6[15:0]) * 32'(w6[31:16]) > AccDepth;

  logic [7:0] decode_error, decode_error_q;

  assign decode_error = illegal      ? capsnet_pkg::ERR_ILLEGAL :
                        too_deep     ? capsnet_pkg::ERR_DEPTH :
                        out_of_range ? capsnet_pkg::ERR_ADDRESS : capsnet_pkg::ERR_NONE;

  // ---- Control. An instruction completes, or fails with a code.
  logic       complete, failed;
  logic [7:0] code;

  always_comb begin
    complete = 1'b0;
    failed   = 1'b0;
    code     = capsnet_pkg::ERR_NONE;
    unique case (state_q)
      FetchWait: begin
        failed = dma_done_i && dma_error_i != capsnet_pkg::ERR_NONE;
        code   = dma_error_i;
      end
      Dispatch: begin
        failed   = decode_error_q != capsnet_pkg::ERR_NONE;
        code     = decode_error_q;
        complete = !failed && opcode == capsnet_pkg::OP_END;
      end
      Execute: begin
        failed   = address_error_i || (dma_done_i && dma_error_i != capsnet_pkg::ERR_NONE);
        code     = address_error_i ? capsnet_pkg::ERR_ADDRESS : dma_error_i;
        complete = !failed && (dma_done_i || matmul_done_i || rowwise_done_i);
      end
      default: ;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
    end else if (failed) begin
      state_q <= Idle;
    end else begin
      unique case (state_q)
        Idle:      if (start_i) state_q <= Fetch;
        Fetch:     state_q <= FetchWait;
        FetchWait: if (dma_done_i) state_q <= Decode;
        Decode:    state_q <= Dispatch;
        Dispatch:  state_q <= complete ? Idle : Execute;
        Execute:   if (complete) state_q <= Fetch;
        default:   state_q <= Idle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (fetch_valid_i) instr_q <= {fetch_data_i, instr_q[511:128]};
    decode_error_q <= decode_error;
  end

  logic dispatch;

  assign dispatch        = state_q == Dispatch && !failed && !complete;
  assign instr_o         = instr_q;
  assign abort_o         = failed && state_q == Execute;
  assign matmul_start_o  = dispatch && opcode == capsnet_pkg::OP_MATMUL;
  assign rowwise_start_o = dispatch && (opcode == capsnet_pkg::OP_SQUASH ||
                                        opcode == capsnet_pkg::OP_SOFTMAX ||
                                        opcode == capsnet_pkg::OP_CLASSIFY);
  assign dma_start_o     = state_q == Fetch || (dispatch && is_dma);

  logic [31:0] base;

  always_comb begin
    unique case (w1[1:0])
      2'd0:    base = bases_i[31:0];
      2'd1:    base = bases_i[63:32];
      2'd2:    base = bases_i[95:64];
      default: base = bases_i[127:96];
    endcase
  end

  always_comb begin
    dma_memory_addr_o  = base + w2;
    dma_scratch_addr_o = w3;
    dma_words_o        = w4[31:4];
    dma_fill_o         = w5[7:0];
    unique case (opcode)
      capsnet_pkg::OP_STORE: dma_command_o = capsnet_pkg::DMA_STORE;
      capsnet_pkg::OP_FILL:  dma_command_o = capsnet_pkg::DMA_FILL;
      default:               dma_command_o = capsnet_pkg::DMA_LOAD;
    endcase
    if (state_q == Fetch) begin
      dma_command_o     = capsnet_pkg::DMA_FETCH;
      dma_memory_addr_o = program_i + (pc_q << 6);
      dma_words_o       = 28'd4;
    end
  end

  // ---- Status and counters.
  logic        begin_program;
  logic        done_q, error_q;
  logic [7:0]  error_code_q;
  logic [63:0] cycles_q, macs_q;
  logic [31:0] trace_cycles_q, instructions_q, read_beats_q, write_beats_q;
  logic [31:0] instr_cycles_q;  // of this instruction, its fetch included
  logic [9:0]  mac_step;

  assign begin_program = state_q == Idle && start_i;
  assign mac_step      = 10'(w1_dim) * 10'(w1_cols);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      done_q         <= 1'b0;
      error_q        <= 1'b0;
      error_code_q   <= capsnet_pkg::ERR_NONE;
      pc_q           <= '0;
      cycles_q       <= '0;
      macs_q         <= '0;
      trace_cycles_q <= '0;
      instructions_q <= '0;
      read_beats_q   <= '0;
      write_beats_q  <= '0;
      instr_cycles_q <= '0;
    end else if (begin_program) begin
      done_q         <= 1'b0;
      error_q        <= 1'b0;
      error_code_q   <= capsnet_pkg::ERR_NONE;
      pc_q           <= '0;
      cycles_q       <= '0;
      macs_q         <= '0;
      trace_cycles_q <= '0;
      instructions_q <= '0;
      read_beats_q   <= '0;
      write_beats_q  <= '0;
      instr_cycles_q <= 32'd1;
    end else begin
      if (clear_done_i) done_q <= 1'b0;
      if (clear_error_i) begin
        error_q      <= 1'b0;
        error_code_q <= capsnet_pkg::ERR_NONE;
      end
      if (state_q != Idle) cycles_q <= cycles_q + 64'd1;
      if (mac_valid_i)     macs_q <= macs_q + 64'(mac_step);
      if (read_beat_i)     read_beats_q <= read_beats_q + 32'd1;
      if (write_beat_i)    write_beats_q <= write_beats_q + 32'd1;
      instr_cycles_q <= instr_cycles_q + 32'd1;
      if (failed) begin
        error_q      <= 1'b1;
        error_code_q <= code;
      end
      if (complete) begin
        instructions_q <= instructions_q + 32'd1;
        instr_cycles_q <= 32'd1;
        if (instr_q[8]) trace_cycles_q <= trace_cycles_q + instr_cycles_q;
        if (opcode == capsnet_pkg::OP_END) done_q <= 1'b1;
        else                               pc_q <= pc_q + 32'd1;
      end
    end
  end

  assign busy_o         = state_q != Idle;
  assign done_o         = done_q;
  assign error_o        = error_q;
  assign error_code_o   = error_code_q;
  assign cycles_o       = cycles_q;
  assign trace_cycles_o = trace_cycles_q;
  assign instructions_o = instructions_q;
  assign macs_o         = macs_q;
  assign read_beats_o   = read_beats_q;
  assign write_beats_o  = write_beats_q;
  assign pc_o           = pc_q;

endmodule
