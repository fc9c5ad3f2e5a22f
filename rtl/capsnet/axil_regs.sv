// The accelerator's registers (docs/accelerator.md) behind an AXI4-Lite subordinate. Address and
// data of a write are taken in any order, each into a buffer of its own; one write and one read may
// be in flight. Every output of the port comes from flip-flops alone, so that no READY waits for a
// VALID and none depends on an input in the same cycle. A write every two cycles, a read every two.
//
// While busy_i, a write to any register but STATUS changes nothing and is answered SLVERR.
//
// start_o is a pulse. STATUS, counters and PC belong to the sequencer and are only shown here; done
// and error are cleared by the pulses clear_done_o and clear_error_o.
module axil_regs #(
  parameter int unsigned Rows             = 16,
  parameter int unsigned Cols             = 16,
  parameter int unsigned ScratchBytesLog2 = 17
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  // AXI4-Lite
  input  logic [11:0]  s_axil_awaddr_i,
  input  logic [2:0]   s_axil_awprot_i,
  input  logic         s_axil_awvalid_i,
  output logic         s_axil_awready_o,
  input  logic [31:0]  s_axil_wdata_i,
  input  logic [3:0]   s_axil_wstrb_i,
  input  logic         s_axil_wvalid_i,
  output logic         s_axil_wready_o,
  output logic [1:0]   s_axil_bresp_o,
  output logic         s_axil_bvalid_o,
  input  logic         s_axil_bready_i,
  input  logic [11:0]  s_axil_araddr_i,
  input  logic [2:0]   s_axil_arprot_i,
  input  logic         s_axil_arvalid_i,
  output logic         s_axil_arready_o,
  output logic [31:0]  s_axil_rdata_o,
  output logic [1:0]   s_axil_rresp_o,
  output logic         s_axil_rvalid_o,
  input  logic         s_axil_rready_i,
  // control
  output logic         start_o,
  output logic         clear_done_o,
  output logic         clear_error_o,
  output logic         irq_enable_o,
  output logic [31:0]  program_o,
  output logic [127:0] bases_o,
  // status
  input  logic         busy_i,
  input  logic         done_i,
  input  logic         error_i,
  input  logic [7:0]   error_code_i,
  input  logic [63:0]  cycles_i,
  input  logic [31:0]  trace_cycles_i,
  input  logic [31:0]  instructions_i,
  input  logic [63:0]  macs_i,
  input  logic [31:0]  read_beats_i,
  input  logic [31:0]  write_beats_i,
  input  logic [31:0]  pc_i
);

  logic [31:0]  program_q;
  logic [127:0] bases_q;
  logic         irq_enable_q;

  // Write: once both buffers are full and the last response has gone or goes.
  logic        have_address_q, have_data_q, write, legal;
  logic [9:0]  write_reg_q;
  logic [31:0] write_data_q, write_mask, write_ones;
  logic [3:0]  write_strobe_q;

  assign s_axil_awready_o = !have_address_q;
  assign s_axil_wready_o  = !have_data_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      have_address_q <= 1'b0;
      have_data_q    <= 1'b0;
    end else begin
      if (write)                 have_address_q <= 1'b0;
      else if (s_axil_awvalid_i) have_address_q <= 1'b1;
      if (write)                 have_data_q    <= 1'b0;
      else if (s_axil_wvalid_i)  have_data_q    <= 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!have_address_q) write_reg_q <= s_axil_awaddr_i[11:2];
    if (!have_data_q) begin
      write_data_q   <= s_axil_wdata_i;
      write_strobe_q <= s_axil_wstrb_i;
    end
  end

  assign write      = have_address_q && have_data_q && (!s_axil_bvalid_o || s_axil_bready_i);
  assign legal      = !busy_i || write_reg_q == capsnet_pkg::REG_STATUS;
  assign write_mask = {{8{write_strobe_q[3]}}, {8{write_strobe_q[2]}},
                       {8{write_strobe_q[1]}}, {8{write_strobe_q[0]}}};
  assign write_ones = write_data_q & write_mask;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      s_axil_bvalid_o <= 1'b0;
      s_axil_bresp_o  <= capsnet_pkg::RESP_OKAY;
      program_q       <= '0;
      bases_q         <= '0;
      irq_enable_q    <= 1'b0;
    end else begin
      if (write)                s_axil_bvalid_o <= 1'b1;
      else if (s_axil_bready_i) s_axil_bvalid_o <= 1'b0;
      if (write) s_axil_bresp_o <= legal ? capsnet_pkg::RESP_OKAY : capsnet_pkg::RESP_SLVERR;
      if (write && legal) begin
        unique case (write_reg_q)
          capsnet_pkg::REG_CTRL:    if (write_strobe_q[0]) irq_enable_q <= write_data_q[1];
          capsnet_pkg::REG_PROGRAM: program_q       <= (program_q & ~write_mask) | write_ones;
          capsnet_pkg::REG_BASE0:   bases_q[31:0]   <= (bases_q[31:0] & ~write_mask) | write_ones;
          capsnet_pkg::REG_BASE1:   bases_q[63:32]  <= (bases_q[63:32] & ~write_mask) | write_ones;
          capsnet_pkg::REG_BASE2:   bases_q[95:64]  <= (bases_q[95:64] & ~write_mask) | write_ones;
          capsnet_pkg::REG_BASE3:   bases_q[127:96] <= (bases_q[127:96] & ~write_mask) | write_ones;
          default: ;
        endcase
      end
    end
  end

  assign start_o       = write && legal && write_reg_q == capsnet_pkg::REG_CTRL && write_ones[0];
  assign clear_done_o  = write && write_reg_q == capsnet_pkg::REG_STATUS && write_ones[1];
  assign clear_error_o = write && write_reg_q == capsnet_pkg::REG_STATUS && write_ones[2];
  assign irq_enable_o  = irq_enable_q;

  // Addresses that must be multiples of 64 and 16 have no lower bits.
  logic unused_bits;
  assign unused_bits = ^{program_q[5:0], bases_q[99:96], bases_q[67:64], bases_q[35:32],
                         bases_q[3:0], s_axil_awaddr_i[1:0], s_axil_araddr_i[1:0], s_axil_awprot_i,
                         s_axil_arprot_i};

  assign program_o = {program_q[31:6], 6'd0};
  assign bases_o   = {bases_q[127:100], 4'd0, bases_q[95:68], 4'd0,
                      bases_q[63:36], 4'd0, bases_q[31:4], 4'd0};

  // Read.
  logic        read;
  logic [31:0] read_data, config_value, status;

  assign config_value = {capsnet_pkg::VERSION, 8'(ScratchBytesLog2), 8'(Cols), 8'(Rows)};
  assign status       = {16'd0, error_code_i, 5'd0, error_i, done_i, busy_i};

  assign read             = s_axil_arvalid_i && s_axil_arready_o;
  assign s_axil_arready_o = !s_axil_rvalid_o;
  assign s_axil_rresp_o   = capsnet_pkg::RESP_OKAY;

  always_comb begin
    unique case (s_axil_araddr_i[11:2])
      capsnet_pkg::REG_ID:           read_data = capsnet_pkg::ID_VALUE;
      capsnet_pkg::REG_CONFIG:       read_data = config_value;
      capsnet_pkg::REG_CTRL:         read_data = {30'd0, irq_enable_q, 1'b0};
      capsnet_pkg::REG_STATUS:       read_data = status;
      capsnet_pkg::REG_PROGRAM:      read_data = program_o;
      capsnet_pkg::REG_BASE0:        read_data = bases_o[31:0];
      capsnet_pkg::REG_BASE1:        read_data = bases_o[63:32];
      capsnet_pkg::REG_BASE2:        read_data = bases_o[95:64];
      capsnet_pkg::REG_BASE3:        read_data = bases_o[127:96];
      capsnet_pkg::REG_CYCLES_LO:    read_data = cycles_i[31:0];
      capsnet_pkg::REG_CYCLES_HI:    read_data = cycles_i[63:32];
      capsnet_pkg::REG_TRACE_CYCLES: read_data = trace_cycles_i;
      capsnet_pkg::REG_INSTRUCTIONS: read_data = instructions_i;
      capsnet_pkg::REG_MACS_LO:      read_data = macs_i[31:0];
      capsnet_pkg::REG_MACS_HI:      read_data = macs_i[63:32];
      capsnet_pkg::REG_READ_BEATS:   read_data = read_beats_i;
      capsnet_pkg::REG_WRITE_BEATS:  read_data = write_beats_i;
      capsnet_pkg::REG_PC:           read_data = pc_i;
      default:                       read_data = '0;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)              s_axil_rvalid_o <= 1'b0;
    else if (read)            s_axil_rvalid_o <= 1'b1;
    else if (s_axil_rready_i) s_axil_rvalid_o <= 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (read) s_axil_rdata_o <= read_data;
  end

endmodule
