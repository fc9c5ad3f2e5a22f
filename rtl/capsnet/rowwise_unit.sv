// Executes SQUASH, SOFTMAX and CLASSIFY (docs/accelerator.md): reads one row after the other, hands
// it to squash_unit or softmax_unit, writes what comes back. The next row is read while one is in
// work.
//
// A row takes 2D + 22 cycles in SQUASH, 2J + 12 in SOFTMAX, D + 1 in CLASSIFY; the instruction a
// few more.
// start_i is a pulse with instr_i valid until done_o, a pulse. abort_i stops everything at once.
module rowwise_unit (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         start_i,
  input  logic         abort_i,
  input  logic [511:0] instr_i,
  output logic         done_o,
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
  logic [7:0]  opcode;
  logic [2:0]  f;
  logic [3:0]  sel;
  logic [4:0]  dim;
  logic [31:0] source, destination;
  logic [15:0] count, source_stride, row_stride, element_stride;
  logic        is_softmax, is_classify;
  logic        unused_instr;

  assign opcode         = instr_i[7:0];
  assign f              = instr_i[34:32];
  assign sel            = instr_i[51:48];
  assign dim            = instr_i[56:52];
  assign source         = instr_i[32*2+:32];
  assign destination    = instr_i[32*4+:32];
  assign count          = instr_i[32*6+:16];
  assign source_stride  = instr_i[32*7+:16];
  assign row_stride     = instr_i[32*8+:16];
  assign element_stride = instr_i[32*8+16+:16];
  assign is_softmax     = opcode == capsnet_pkg::OP_SOFTMAX;
  assign is_classify    = opcode == capsnet_pkg::OP_CLASSIFY;
  assign unused_instr   = ^{instr_i[31:8], instr_i[47:35], instr_i[63:57],
                            instr_i[127:96], instr_i[191:160], instr_i[223:208], instr_i[255:240],
                            instr_i[511:288]};

  // ---- Reader: one row ahead of the unit.
  typedef enum logic [1:0] {Idle, Read, Offer} read_state_e;

  read_state_e read_state_q;
  logic [15:0] read_left_q;
  logic [31:0] read_addr_q;
  logic        offer, taken;

  assign rd_en_o   = read_state_q == Read;
  assign rd_addr_o = read_addr_q;
  assign rd_len_o  = dim;
  assign offer     = read_state_q == Offer;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_state_q <= Idle;
    end else if (abort_i) begin
      read_state_q <= Idle;
    end else begin
      unique case (read_state_q)
        Idle:    if (start_i) read_state_q <= Read;
        Read:    read_state_q <= Offer;
        Offer:   if (taken) read_state_q <= (read_left_q == '0) ? Idle : Read;
        default: read_state_q <= Idle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (read_state_q == Idle) begin
      read_left_q <= count;
      read_addr_q <= source;
    end else if (read_state_q == Read) begin
      read_left_q <= read_left_q - 16'd1;
      read_addr_q <= read_addr_q + 32'(source_stride);
    end
  end

  // ---- The units.
  logic         squash_ready, squash_valid, softmax_ready, softmax_valid, softmax_out_ready;
  logic [127:0] squash_v, softmax_c;
  logic [18:0]  norm;

  assign taken = offer && (is_softmax ? softmax_ready : squash_ready);

  squash_unit u_squash (
    .clk_i,
    .rst_ni,
    .clear_i     (abort_i),
    .in_valid_i  (offer && !is_softmax),
    .in_ready_o  (squash_ready),
    .s_i         (rd_data_i),
    .dim_i       (dim),
    .f_i         (f),
    .sel_i       (sel),
    .norm_only_i (is_classify),
    .out_valid_o (squash_valid),
    .out_ready_i (1'b1),
    .v_o         (squash_v),
    .norm_o      (norm)
  );

  softmax_unit u_softmax (
    .clk_i,
    .rst_ni,
    .clear_i     (abort_i),
    .in_valid_i  (offer && is_softmax),
    .in_ready_o  (softmax_ready),
    .b_i         (rd_data_i),
    .dim_i       (dim),
    .f_i         (f),
    .out_valid_o (softmax_valid),
    .out_ready_i (softmax_out_ready),
    .c_o         (softmax_c)
  );

  // ---- Writer: a capsule or a score at once, coefficients one a cycle, the class at the end.
  typedef enum logic [1:0] {WIdle, WRows, WElements, WClass} write_state_e;

  write_state_e write_state_q;
  logic [15:0]  write_left_q;
  logic [31:0]  write_row_q, write_addr_q;
  logic [127:0] elements_q;
  logic [4:0]   elements_left_q;
  logic [18:0]  best_q;
  logic [3:0]   class_q, row_q;
  logic         received;

  assign softmax_out_ready = write_state_q == WRows;
  assign received = write_state_q == WRows && (is_softmax ? softmax_valid : squash_valid);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_state_q <= WIdle;
    end else if (abort_i) begin
      write_state_q <= WIdle;
    end else begin
      unique case (write_state_q)
        WIdle:     if (start_i) write_state_q <= WRows;
        WRows: if (received) begin
          if (is_softmax)                 write_state_q <= WElements;
          else if (write_left_q == 16'd1) write_state_q <= is_classify ? WClass : WIdle;
        end
        WElements: if (elements_left_q == 5'd1) begin
          write_state_q <= (write_left_q == '0) ? WIdle : WRows;
        end
        WClass:    write_state_q <= WIdle;
        default:   write_state_q <= WIdle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (write_state_q == WIdle) begin
      write_left_q <= count;
      write_row_q  <= is_classify ? destination + 32'd16 : destination;
      row_q        <= '0;
      class_q      <= '0;
      best_q       <= '0;
    end else if (received) begin
      write_left_q    <= write_left_q - 16'd1;
      write_row_q     <= write_row_q + (is_classify ? 32'd4 : 32'(row_stride));
      write_addr_q    <= write_row_q;
      elements_q      <= softmax_c;
      elements_left_q <= dim;
      row_q           <= row_q + 4'd1;
      if (norm > best_q) begin
        best_q  <= norm;
        class_q <= row_q;
      end
    end else if (write_state_q == WElements) begin
      write_addr_q    <= write_addr_q + 32'(element_stride);
      elements_q      <= elements_q >> 8;
      elements_left_q <= elements_left_q - 5'd1;
    end
  end

  always_comb begin
    wr_en_o   = 1'b0;
    wr_addr_o = write_row_q;
    wr_len_o  = dim;
    wr_data_o = squash_v;
    unique case (write_state_q)
      WRows: begin
        wr_en_o = received && !is_softmax;
        if (is_classify) begin
          wr_len_o  = 5'd4;
          wr_data_o = 128'(norm);
        end
      end
      WElements: begin
        wr_en_o   = 1'b1;
        wr_addr_o = write_addr_q;
        wr_len_o  = 5'd1;
        wr_data_o = 128'(elements_q[7:0]);
      end
      WClass: begin
        wr_en_o   = 1'b1;
        wr_addr_o = destination;
        wr_len_o  = 5'd16;
        wr_data_o = 128'(class_q);
      end
      default: ;
    endcase
  end

  always_comb begin
    unique case (write_state_q)
      WRows:     done_o = received && !is_softmax && !is_classify && write_left_q == 16'd1;
      WElements: done_o = elements_left_q == 5'd1 && write_left_q == '0;
      WClass:    done_o = 1'b1;
      default:   done_o = 1'b0;
    endcase
  end

endmodule
