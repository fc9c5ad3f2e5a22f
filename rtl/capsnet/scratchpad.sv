// 2^BytesLog2 bytes, read and written as vectors of 1..16 consecutive bytes at any byte address.
//
// Two banks of 16-byte words, even words in the one and odd words in the other, so the two words
// that an unaligned vector touches come in one cycle. One read and one write port; a read that
// meets a write of the same byte returns the old byte.
//
// Latency: rd_data_o one cycle after rd_en_i, held until the next read; bytes from rd_len_i on are
// undefined. rd_error_o and wr_error_o are combinational: an active byte lies outside; the access
// is not made.
module scratchpad #(
  parameter int unsigned BytesLog2 = 17
) (
  input  logic         clk_i,
  input  logic         rd_en_i,
  input  logic [31:0]  rd_addr_i,
  input  logic [4:0]   rd_len_i,
  output logic [127:0] rd_data_o,
  output logic         rd_error_o,
  input  logic         wr_en_i,
  input  logic [31:0]  wr_addr_i,
  input  logic [4:0]   wr_len_i,
  input  logic [127:0] wr_data_i,
  output logic         wr_error_o
);

  if (BytesLog2 < 6 || BytesLog2 > 24) begin : gen_bytes_error
    $error("scratchpad: BytesLog2 must be 6..24");
  end

  localparam int unsigned RowBits = BytesLog2 - 5;
  localparam int unsigned Rows    = 1 << RowBits;

  logic [127:0] even_mem [Rows];
  logic [127:0] odd_mem [Rows];

  // The last active byte's address, in 33 bits.
  logic [32:0] rd_last, wr_last;
  logic        rd_en, wr_en;

  assign rd_last    = {1'b0, rd_addr_i} + 33'(rd_len_i) - 33'd1;
  assign wr_last    = {1'b0, wr_addr_i} + 33'(wr_len_i) - 33'd1;
  assign rd_error_o = rd_en_i && (rd_last >> BytesLog2) != '0;
  assign wr_error_o = wr_en_i && (wr_last >> BytesLog2) != '0;
  assign rd_en      = rd_en_i && !rd_error_o;
  assign wr_en      = wr_en_i && !wr_error_o;

  // Read: word w and word w + 1, whichever bank they are in.
  logic [RowBits-1:0] rd_odd_row, rd_even_row;
  logic [127:0]       even_q, odd_q;
  logic [3:0]         rd_offset_q;
  logic               rd_odd_q;
  logic [255:0]       rd_pair;

  assign rd_odd_row  = rd_addr_i[BytesLog2-1:5];
  assign rd_even_row = rd_odd_row + RowBits'(rd_addr_i[4]);

  always_ff @(posedge clk_i) begin
    if (rd_en) begin
      even_q      <= even_mem[rd_even_row];
      odd_q       <= odd_mem[rd_odd_row];
      rd_offset_q <= rd_addr_i[3:0];
      rd_odd_q    <= rd_addr_i[4];
    end
  end

  assign rd_pair   = rd_odd_q ? {even_q, odd_q} : {odd_q, even_q};
  assign rd_data_o = 128'(rd_pair >> {rd_offset_q, 3'b000});

  // Write: the vector is moved to its place in a pair of words, each byte with its enable.
  logic [RowBits-1:0] wr_odd_row, wr_even_row;
  logic [255:0]       wr_pair;
  logic [31:0]        wr_enables;
  logic [127:0]       even_data, odd_data;
  logic [15:0]        even_enables, odd_enables;

  assign wr_odd_row   = wr_addr_i[BytesLog2-1:5];
  assign wr_even_row  = wr_odd_row + RowBits'(wr_addr_i[4]);
  assign wr_pair      = 256'(wr_data_i) << {wr_addr_i[3:0], 3'b000};
  assign wr_enables   = ((32'd1 << wr_len_i) - 32'd1) << wr_addr_i[3:0];
  assign even_data    = wr_addr_i[4] ? wr_pair[255:128] : wr_pair[127:0];
  assign odd_data     = wr_addr_i[4] ? wr_pair[127:0] : wr_pair[255:128];
  assign even_enables = wr_addr_i[4] ? wr_enables[31:16] : wr_enables[15:0];
  assign odd_enables  = wr_addr_i[4] ? wr_enables[15:0] : wr_enables[31:16];

  always_ff @(posedge clk_i) begin
    if (wr_en) begin
      for (int b = 0; b < 16; b++) begin
        if (even_enables[b]) even_mem[wr_even_row][8*b+:8] <= even_data[8*b+:8];
        if (odd_enables[b])  odd_mem[wr_odd_row][8*b+:8]   <= odd_data[8*b+:8];
      end
    end
  end

endmodule
