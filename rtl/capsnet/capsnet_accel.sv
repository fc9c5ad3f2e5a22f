// The CapsNet accelerator: runs a network, image in, class out, from a program in memory. The
// programmer's view is docs/accelerator.md, the arithmetic docs/numerics.md.
//
// FaultMask is XORed onto lane 0 of the requantiser's output: a deliberate fault for the benches.
module capsnet_accel #(
  parameter int unsigned Rows             = 16,
  parameter int unsigned Cols             = 16,
  parameter int unsigned ScratchBytesLog2 = 17,
  parameter int unsigned AccDepth         = 512,
  parameter logic [7:0]  FaultMask        = 8'd0
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  output logic         irq_o,
  // AXI4-Lite subordinate: registers
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
  // AXI4 manager: memory
  output logic [3:0]   m_axi_arid_o,
  output logic [31:0]  m_axi_araddr_o,
  output logic [7:0]   m_axi_arlen_o,
  output logic [2:0]   m_axi_arsize_o,
  output logic [1:0]   m_axi_arburst_o,
  output logic         m_axi_arvalid_o,
  input  logic         m_axi_arready_i,
  input  logic [3:0]   m_axi_rid_i,
  input  logic [127:0] m_axi_rdata_i,
  input  logic [1:0]   m_axi_rresp_i,
  input  logic         m_axi_rlast_i,
  input  logic         m_axi_rvalid_i,
  output logic         m_axi_rready_o,
  output logic [3:0]   m_axi_awid_o,
  output logic [31:0]  m_axi_awaddr_o,
  output logic [7:0]   m_axi_awlen_o,
  output logic [2:0]   m_axi_awsize_o,
  output logic [1:0]   m_axi_awburst_o,
  output logic         m_axi_awvalid_o,
  input  logic         m_axi_awready_i,
  output logic [127:0] m_axi_wdata_o,
  output logic [15:0]  m_axi_wstrb_o,
  output logic         m_axi_wlast_o,
  output logic         m_axi_wvalid_o,
  input  logic         m_axi_wready_i,
  input  logic [3:0]   m_axi_bid_i,
  input  logic [1:0]   m_axi_bresp_i,
  input  logic         m_axi_bvalid_i,
  output logic         m_axi_bready_o
);

  logic         start, clear_done, clear_error, irq_enable, busy, done, error;
  logic [7:0]   error_code;
  logic [31:0]  program_addr, trace_cycles, instructions, read_beats, write_beats, pc;
  logic [63:0]  cycles, macs;
  logic [127:0] bases;

  assign irq_o = irq_enable && (done || error);

  axil_regs #(
    .Rows             (Rows),
    .Cols             (Cols),
    .ScratchBytesLog2 (ScratchBytesLog2)
  ) u_regs (
    .clk_i,
    .rst_ni,
    .s_axil_awaddr_i,
    .s_axil_awprot_i,
    .s_axil_awvalid_i,
    .s_axil_awready_o,
    .s_axil_wdata_i,
    .s_axil_wstrb_i,
    .s_axil_wvalid_i,
    .s_axil_wready_o,
    .s_axil_bresp_o,
    .s_axil_bvalid_o,
    .s_axil_bready_i,
    .s_axil_araddr_i,
    .s_axil_arprot_i,
    .s_axil_arvalid_i,
    .s_axil_arready_o,
    .s_axil_rdata_o,
    .s_axil_rresp_o,
    .s_axil_rvalid_o,
    .s_axil_rready_i,
    .start_o        (start),
    .clear_done_o   (clear_done),
    .clear_error_o  (clear_error),
    .irq_enable_o   (irq_enable),
    .program_o      (program_addr),
    .bases_o        (bases),
    .busy_i         (busy),
    .done_i         (done),
    .error_i        (error),
    .error_code_i   (error_code),
    .cycles_i       (cycles),
    .trace_cycles_i (trace_cycles),
    .instructions_i (instructions),
    .macs_i         (macs),
    .read_beats_i   (read_beats),
    .write_beats_i  (write_beats),
    .pc_i           (pc)
  );

  logic         dma_start, dma_done, fetch_valid, read_beat, write_beat;
  logic [1:0]   dma_command;
  logic [31:0]  dma_memory_addr, dma_scratch_addr;
  logic [27:0]  dma_words;
  logic [7:0]   dma_fill, dma_error;
  logic [127:0] fetch_data;
  logic [511:0] instr;
  logic         abort, matmul_start, matmul_done, mac_valid, rowwise_start, rowwise_done;
  logic         address_error;

  sequencer #(
    .Rows             (Rows),
    .Cols             (Cols),
    .ScratchBytesLog2 (ScratchBytesLog2),
    .AccDepth         (AccDepth)
  ) u_sequencer (
    .clk_i,
    .rst_ni,
    .start_i            (start),
    .clear_done_i       (clear_done),
    .clear_error_i      (clear_error),
    .program_i          (program_addr),
    .bases_i            (bases),
    .busy_o             (busy),
    .done_o             (done),
    .error_o            (error),
    .error_code_o       (error_code),
    .cycles_o           (cycles),
    .trace_cycles_o     (trace_cycles),
    .instructions_o     (instructions),
    .macs_o             (macs),
    .read_beats_o       (read_beats),
    .write_beats_o      (write_beats),
    .pc_o               (pc),
    .dma_start_o        (dma_start),
    .dma_command_o      (dma_command),
    .dma_memory_addr_o  (dma_memory_addr),
    .dma_scratch_addr_o (dma_scratch_addr),
    .dma_words_o        (dma_words),
    .dma_fill_o         (dma_fill),
    .dma_done_i         (dma_done),
    .dma_error_i        (dma_error),
    .fetch_valid_i      (fetch_valid),
    .fetch_data_i       (fetch_data),
    .read_beat_i        (read_beat),
    .write_beat_i       (write_beat),
    .instr_o            (instr),
    .abort_o            (abort),
    .matmul_start_o     (matmul_start),
    .matmul_done_i      (matmul_done),
    .mac_valid_i        (mac_valid),
    .rowwise_start_o    (rowwise_start),
    .rowwise_done_i     (rowwise_done),
    .address_error_i    (address_error)
  );

  // The units run one at a time: their scratchpad requests are merged by OR, the rest by choice.
  logic         dma_rd_en, matmul_rd_en, rowwise_rd_en, dma_wr_en, matmul_wr_en, rowwise_wr_en;
  logic [31:0]  dma_rd_addr, matmul_rd_addr, rowwise_rd_addr;
  logic [31:0]  dma_wr_addr, matmul_wr_addr, rowwise_wr_addr;
  logic [4:0]   matmul_rd_len, rowwise_rd_len, matmul_wr_len, rowwise_wr_len;
  logic [127:0] dma_wr_data, matmul_wr_data, rowwise_wr_data;
  logic         rd_en, wr_en, rd_error, wr_error;
  logic [31:0]  rd_addr, wr_addr;
  logic [4:0]   rd_len, wr_len;
  logic [127:0] rd_data, wr_data;

  always_comb begin
    rd_en   = dma_rd_en || matmul_rd_en || rowwise_rd_en;
    rd_addr = dma_rd_addr;
    rd_len  = 5'd16;
    if (matmul_rd_en) begin
      rd_addr = matmul_rd_addr;
      rd_len  = matmul_rd_len;
    end else if (rowwise_rd_en) begin
      rd_addr = rowwise_rd_addr;
      rd_len  = rowwise_rd_len;
    end

    wr_en   = dma_wr_en || matmul_wr_en || rowwise_wr_en;
    wr_addr = dma_wr_addr;
    wr_len  = 5'd16;
    wr_data = dma_wr_data;
    if (matmul_wr_en) begin
      wr_addr = matmul_wr_addr;
      wr_len  = matmul_wr_len;
      wr_data = matmul_wr_data;
    end else if (rowwise_wr_en) begin
      wr_addr = rowwise_wr_addr;
      wr_len  = rowwise_wr_len;
      wr_data = rowwise_wr_data;
    end
  end

  assign address_error = rd_error || wr_error;

  scratchpad #(
    .BytesLog2 (ScratchBytesLog2)
  ) u_scratchpad (
    .clk_i,
    .rd_en_i    (rd_en),
    .rd_addr_i  (rd_addr),
    .rd_len_i   (rd_len),
    .rd_data_o  (rd_data),
    .rd_error_o (rd_error),
    .wr_en_i    (wr_en),
    .wr_addr_i  (wr_addr),
    .wr_len_i   (wr_len),
    .wr_data_i  (wr_data),
    .wr_error_o (wr_error)
  );

  dma u_dma (
    .clk_i,
    .rst_ni,
    .start_i        (dma_start),
    .command_i      (dma_command),
    .memory_addr_i  (dma_memory_addr),
    .scratch_addr_i (dma_scratch_addr),
    .words_i        (dma_words),
    .fill_i         (dma_fill),
    .done_o         (dma_done),
    .error_o        (dma_error),
    .fetch_valid_o  (fetch_valid),
    .fetch_data_o   (fetch_data),
    .read_beat_o    (read_beat),
    .write_beat_o   (write_beat),
    .rd_en_o        (dma_rd_en),
    .rd_addr_o      (dma_rd_addr),
    .rd_data_i      (rd_data),
    .wr_en_o        (dma_wr_en),
    .wr_addr_o      (dma_wr_addr),
    .wr_data_o      (dma_wr_data),
    .m_axi_arid_o,
    .m_axi_araddr_o,
    .m_axi_arlen_o,
    .m_axi_arsize_o,
    .m_axi_arburst_o,
    .m_axi_arvalid_o,
    .m_axi_arready_i,
    .m_axi_rid_i,
    .m_axi_rdata_i,
    .m_axi_rresp_i,
    .m_axi_rlast_i,
    .m_axi_rvalid_i,
    .m_axi_rready_o,
    .m_axi_awid_o,
    .m_axi_awaddr_o,
    .m_axi_awlen_o,
    .m_axi_awsize_o,
    .m_axi_awburst_o,
    .m_axi_awvalid_o,
    .m_axi_awready_i,
    .m_axi_wdata_o,
    .m_axi_wstrb_o,
    .m_axi_wlast_o,
    .m_axi_wvalid_o,
    .m_axi_wready_i,
    .m_axi_bid_i,
    .m_axi_bresp_i,
    .m_axi_bvalid_i,
    .m_axi_bready_o
  );

  matmul_unit #(
    .Rows      (Rows),
    .Cols      (Cols),
    .AccDepth  (AccDepth),
    .FaultMask (FaultMask)
  ) u_matmul (
    .clk_i,
    .rst_ni,
    .start_i     (matmul_start),
    .abort_i     (abort),
    .instr_i     (instr),
    .done_o      (matmul_done),
    .mac_valid_o (mac_valid),
    .rd_en_o     (matmul_rd_en),
    .rd_addr_o   (matmul_rd_addr),
    .rd_len_o    (matmul_rd_len),
    .rd_data_i   (rd_data),
    .wr_en_o     (matmul_wr_en),
    .wr_addr_o   (matmul_wr_addr),
    .wr_len_o    (matmul_wr_len),
    .wr_data_o   (matmul_wr_data)
  );

  rowwise_unit u_rowwise (
    .clk_i,
    .rst_ni,
    .start_i   (rowwise_start),
    .abort_i   (abort),
    .instr_i   (instr),
    .done_o    (rowwise_done),
    .rd_en_o   (rowwise_rd_en),
    .rd_addr_o (rowwise_rd_addr),
    .rd_len_o  (rowwise_rd_len),
    .rd_data_i (rd_data),
    .wr_en_o   (rowwise_wr_en),
    .wr_addr_o (rowwise_wr_addr),
    .wr_len_o  (rowwise_wr_len),
    .wr_data_o (rowwise_wr_data)
  );

endmodule
