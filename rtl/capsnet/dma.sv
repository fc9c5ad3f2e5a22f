// Moves 16-byte words: memory to scratchpad (LOAD), scratchpad to memory (STORE), a constant to the
// scratchpad (FILL), memory to the instruction register (FETCH). The AXI4 manager of the
// accelerator.
//
// INCR bursts of full-width beats, at most 64, none across a 4 KiB boundary, one outstanding. A
// word a cycle inside a burst. A write burst's address and data are offered independently of each
// other: a subordinate may take either first. No output of the AXI port depends on an input of it
// in the same cycle. start_i is a pulse with the command; done_o is a pulse, with error_o
// the error code (ERR_NONE, ERR_READ, ERR_WRITE): after an error the burst is finished and no other
// begun. The caller knows that the scratchpad range is legal.
// Formats: addresses in bytes, multiples of 16; words_i counts 16-byte words, at least 1.
module dma (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         start_i,
  input  logic [1:0]   command_i,
  input  logic [31:0]  memory_addr_i,
  input  logic [31:0]  scratch_addr_i,
  input  logic [27:0]  words_i,
  input  logic [7:0]   fill_i,
  output logic         done_o,
  output logic [7:0]   error_o,
  // fetched words, in order
  output logic         fetch_valid_o,
  output logic [127:0] fetch_data_o,
  // pulses for the counters
  output logic         read_beat_o,
  output logic         write_beat_o,
  // scratchpad
  output logic         rd_en_o,
  output logic [31:0]  rd_addr_o,
  input  logic [127:0] rd_data_i,
  output logic         wr_en_o,
  output logic [31:0]  wr_addr_o,
  output logic [127:0] wr_data_o,
  // AXI4
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

  typedef enum logic [2:0] {
    Idle, Plan, ReadAddr, ReadData, Write, WriteResp, Fill
  } state_e;

  state_e      state_q;
  logic [1:0]  command_q;
  logic [31:0] memory_q;    // of the burst's first beat: AXI's addresses stay until they are taken
  logic [31:0] scratch_q;
  logic [27:0] words_q;     // left, beyond the burst in flight
  logic [7:0]  fill_q;
  logic        failed_q;
  logic [6:0]  beats_q;     // of the burst
  logic [6:0]  left_q;      // beats of the burst not yet transferred
  logic [6:0]  unread_q;    // words of the burst not yet read from the scratchpad
  logic        have_q;      // the scratchpad's output holds the next word to write
  logic        awvalid_q;   // the write burst's address is not taken yet, whatever its data do

  // Beats of the next burst: 64, or to the end of the transfer or of the 4 KiB page.
  logic [8:0] to_page_end, limit;
  logic [6:0] beats_d;

  assign to_page_end = 9'd256 - {1'b0, memory_q[11:4]};
  assign limit       = (to_page_end < capsnet_pkg::MAX_BEATS) ? to_page_end :
                       capsnet_pkg::MAX_BEATS;
  assign beats_d     = (words_q < 28'(limit)) ? words_q[6:0] : limit[6:0];

  logic read_beat, write_beat, last_beat, read_failed, write_failed;

  assign read_beat    = m_axi_rvalid_i && m_axi_rready_o;
  assign write_beat   = m_axi_wvalid_o && m_axi_wready_i;
  assign last_beat    = left_q == 7'd1;
  assign read_failed  = m_axi_rresp_i != capsnet_pkg::RESP_OKAY;
  assign write_failed = m_axi_bresp_i != capsnet_pkg::RESP_OKAY;

  // The end of a burst, and of the command.
  logic burst_end, burst_failed, fill_end;

  assign burst_end    = (state_q == ReadData && read_beat && last_beat) ||
                        (state_q == WriteResp && m_axi_bvalid_i);
  assign burst_failed = failed_q || (state_q == ReadData ? read_failed : write_failed);
  assign fill_end     = state_q == Fill && words_q == 28'd1;
  assign done_o       = fill_end || (burst_end && (burst_failed || words_q == '0));
  assign error_o      = (!burst_end || !burst_failed) ? capsnet_pkg::ERR_NONE :
                        (state_q == ReadData) ? capsnet_pkg::ERR_READ : capsnet_pkg::ERR_WRITE;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
    end else begin
      unique case (state_q)
        Idle:      if (start_i) state_q <= (command_i == capsnet_pkg::DMA_FILL) ? Fill : Plan;
        Plan:      state_q <= (command_q == capsnet_pkg::DMA_STORE) ? Write : ReadAddr;
        ReadAddr:  if (m_axi_arready_i) state_q <= ReadData;
        ReadData:  if (burst_end) state_q <= done_o ? Idle : Plan;
        Write:     if (write_beat && last_beat) state_q <= WriteResp;
        WriteResp: if (burst_end) state_q <= done_o ? Idle : Plan;
        Fill:      if (fill_end) state_q <= Idle;
        default:   state_q <= Idle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == Idle) begin
      command_q <= command_i;
      memory_q  <= memory_addr_i;
      scratch_q <= scratch_addr_i;
      words_q   <= words_i;
      fill_q    <= fill_i;
      failed_q  <= 1'b0;
    end
    if (state_q == Plan) begin
      beats_q  <= beats_d;
      left_q   <= beats_d;
      unread_q <= beats_d;
      words_q  <= words_q - 28'(beats_d);
    end
    if (read_beat || write_beat) left_q <= left_q - 7'd1;
    if (burst_end) memory_q <= memory_q + {21'd0, beats_q, 4'd0};
    if (read_beat && read_failed) failed_q <= 1'b1;
    if (read_beat || rd_en_o || state_q == Fill) scratch_q <= scratch_q + 32'd16;
    if (rd_en_o) unread_q <= unread_q - 7'd1;
    if (state_q == Fill) words_q <= words_q - 28'd1;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)         have_q <= 1'b0;
    else if (rd_en_o)    have_q <= 1'b1;
    else if (write_beat) have_q <= 1'b0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)              awvalid_q <= 1'b0;
    else if (state_q == Plan) awvalid_q <= command_q == capsnet_pkg::DMA_STORE;
    else if (m_axi_awready_i) awvalid_q <= 1'b0;
  end

  assign fetch_valid_o = read_beat && command_q == capsnet_pkg::DMA_FETCH;
  assign fetch_data_o  = m_axi_rdata_i;
  assign read_beat_o   = read_beat;
  assign write_beat_o  = write_beat;

  // Scratchpad: the output register is the write channel's buffer.
  assign rd_en_o   = state_q == Write && unread_q != '0 && (!have_q || write_beat);
  assign rd_addr_o = scratch_q;
  assign wr_en_o   = (read_beat && command_q == capsnet_pkg::DMA_LOAD) || state_q == Fill;
  assign wr_addr_o = scratch_q;
  assign wr_data_o = (state_q == Fill) ? {16{fill_q}} : m_axi_rdata_i;

  assign m_axi_arid_o    = '0;
  assign m_axi_araddr_o  = memory_q;
  assign m_axi_arlen_o   = 8'(beats_q) - 8'd1;
  assign m_axi_arsize_o  = capsnet_pkg::SIZE_16;
  assign m_axi_arburst_o = capsnet_pkg::BURST_INCR;
  assign m_axi_arvalid_o = state_q == ReadAddr;
  assign m_axi_rready_o  = state_q == ReadData;
  assign m_axi_awid_o    = '0;
  assign m_axi_awaddr_o  = memory_q;
  assign m_axi_awlen_o   = 8'(beats_q) - 8'd1;
  assign m_axi_awsize_o  = capsnet_pkg::SIZE_16;
  assign m_axi_awburst_o = capsnet_pkg::BURST_INCR;
  assign m_axi_awvalid_o = awvalid_q;
  assign m_axi_wdata_o   = rd_data_i;
  assign m_axi_wstrb_o   = '1;
  assign m_axi_wlast_o   = last_beat;
  assign m_axi_wvalid_o  = have_q;
  assign m_axi_bready_o  = state_q == WriteResp;

  // One burst is outstanding, with id 0 and a length counted here.
  logic unused_axi;
  assign unused_axi = ^{m_axi_rid_i, m_axi_rlast_i, m_axi_bid_i};

`ifndef SYNTHESIS
  a_rlast: assert property (@(posedge clk_i) disable iff (!rst_ni)
      read_beat |-> m_axi_rlast_i == last_beat);
  a_id: assert property (@(posedge clk_i) disable iff (!rst_ni)
      (read_beat |-> m_axi_rid_i == '0));
  a_page: assert property (@(posedge clk_i) disable iff (!rst_ni)
      m_axi_arvalid_o || m_axi_awvalid_o |-> 9'(memory_q[11:4]) + 9'(beats_q) <= 9'd256);
`endif

endmodule
