// Constants of the CapsNet accelerator's programming model (docs/accelerator.md).
package capsnet_pkg;

  // Opcodes: instruction word 0, bits [7:0].
  localparam logic [7:0] OP_END      = 8'd0;
  localparam logic [7:0] OP_LOAD     = 8'd1;
  localparam logic [7:0] OP_STORE    = 8'd2;
  localparam logic [7:0] OP_FILL     = 8'd3;
  localparam logic [7:0] OP_MATMUL   = 8'd4;
  localparam logic [7:0] OP_SQUASH   = 8'd5;
  localparam logic [7:0] OP_SOFTMAX  = 8'd6;
  localparam logic [7:0] OP_CLASSIFY = 8'd7;

  // Error codes: STATUS bits [15:8].
  localparam logic [7:0] ERR_NONE    = 8'd0;
  localparam logic [7:0] ERR_ILLEGAL = 8'd1;
  localparam logic [7:0] ERR_READ    = 8'd2;
  localparam logic [7:0] ERR_WRITE   = 8'd3;
  localparam logic [7:0] ERR_ADDRESS = 8'd4;
  localparam logic [7:0] ERR_DEPTH   = 8'd5;

  // Commands of the DMA.
  localparam logic [1:0] DMA_LOAD  = 2'd0;  // memory -> scratchpad
  localparam logic [1:0] DMA_STORE = 2'd1;  // scratchpad -> memory
  localparam logic [1:0] DMA_FILL  = 2'd2;  // constant -> scratchpad
  localparam logic [1:0] DMA_FETCH = 2'd3;  // memory -> instruction register

  // AXI.
  localparam logic [1:0] RESP_OKAY   = 2'b00;
  localparam logic [1:0] RESP_SLVERR = 2'b10;
  localparam logic [1:0] BURST_INCR  = 2'b01;
  localparam logic [2:0] SIZE_16     = 3'd4;
  localparam logic [8:0] MAX_BEATS   = 9'd64;

  // Register offsets, in 32-bit words.
  localparam logic [9:0] REG_ID            = 10'h000;  // 0x00
  localparam logic [9:0] REG_CONFIG        = 10'h001;  // 0x04
  localparam logic [9:0] REG_CTRL          = 10'h002;  // 0x08
  localparam logic [9:0] REG_STATUS        = 10'h003;  // 0x0C
  localparam logic [9:0] REG_PROGRAM       = 10'h004;  // 0x10
  localparam logic [9:0] REG_BASE0         = 10'h008;  // 0x20
  localparam logic [9:0] REG_BASE1         = 10'h009;  // 0x24
  localparam logic [9:0] REG_BASE2         = 10'h00A;  // 0x28
  localparam logic [9:0] REG_BASE3         = 10'h00B;  // 0x2C
  localparam logic [9:0] REG_CYCLES_LO     = 10'h00C;  // 0x30
  localparam logic [9:0] REG_CYCLES_HI     = 10'h00D;  // 0x34
  localparam logic [9:0] REG_TRACE_CYCLES  = 10'h00E;  // 0x38
  localparam logic [9:0] REG_INSTRUCTIONS  = 10'h00F;  // 0x3C
  localparam logic [9:0] REG_MACS_LO       = 10'h010;  // 0x40
  localparam logic [9:0] REG_MACS_HI       = 10'h011;  // 0x44
  localparam logic [9:0] REG_READ_BEATS    = 10'h012;  // 0x48
  localparam logic [9:0] REG_WRITE_BEATS   = 10'h013;  // 0x4C
  localparam logic [9:0] REG_PC            = 10'h014;  // 0x50

  localparam logic [31:0] ID_VALUE = 32'h4C54_5241;
  localparam logic [7:0]  VERSION  = 8'd1;

endpackage
