// ILM, iterative logarithmic multiplier: its basic block leaves out the product of the two rests
// below the leading ones, a b - r(a) r(b); each correction is the basic block of the rests of the
// block before.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation; never overflows. The core is unsigned;
//           signed operands pass through mul_sign_magnitude.
//
// Source: Z. Babic, A. Avramovic, P. Bulic, "An Iterative Logarithmic Multiplier", Microprocessors
// and Microsystems, 2011.

module mul_ilm #(
  parameter int Width       = 8,
  parameter bit Signed      = 1'b1,
  parameter int Corrections = 0
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

`ifndef __ICARUS__
  if (Width < 4 || Width > 16) begin : gen_bad_width
    $error("mul_ilm: Width is outside 4..16");
  end
  if (Corrections < 0 || Corrections > 2) begin : gen_bad_corrections
    $error("mul_ilm: Corrections is outside 0..2");
  end
`endif

  localparam int PositionBits = $clog2(Width);
  localparam int FractionBits = Width - 1;

  logic [Width-1:0]   a_magnitude, b_magnitude;
  logic [2*Width-1:0] magnitude_product;

  // Operands of block i in [Width*i+:Width]; those of the next block are the rests of this one's.
  logic [Width*(Corrections+2)-1:0]   a_operands, b_operands;
  logic [2*Width*(Corrections+1)-1:0] blocks;

  assign a_operands[Width-1:0] = a_magnitude;
  assign b_operands[Width-1:0] = b_magnitude;

  for (genvar i = 0; i <= Corrections; i++) begin : gen_block
    logic                            a_nonzero, b_nonzero;
    logic [PositionBits-1:0]         a_position, b_position;
    logic [FractionBits-1:0]         a_fraction, b_fraction;
    logic [PositionBits:0]           position;
    logic [FractionBits+1:0]         mantissa;
    logic [2*Width+FractionBits-1:0] shifted;

    normaliser #(
      .Width(Width)
    ) u_a (
      .x_i        (a_operands[Width*i+:Width]),
      .nonzero_o  (a_nonzero),
      .position_o (a_position),
      .fraction_o (a_fraction)
    );
    normaliser #(
      .Width(Width)
    ) u_b (
      .x_i        (b_operands[Width*i+:Width]),
      .nonzero_o  (b_nonzero),
      .position_o (b_position),
      .fraction_o (b_fraction)
    );

    // The block: 2^(ka+kb) (1 + xa + xb). No one is ever shifted out below.
    assign position = {1'b0, a_position} + {1'b0, b_position};
    assign mantissa = ({2'b01, a_fraction} + {2'b00, b_fraction}) &
                      {(FractionBits + 2) {a_nonzero & b_nonzero}};
    assign shifted  = {{(2 * Width - 2) {1'b0}}, mantissa} << position;
    assign blocks[2*Width*i+:2*Width] = shifted[FractionBits+:2*Width];

    // The rests: a rest of 0 makes its block and all later ones 0.
    logic [Width-1:0] a_one, b_one;
    leading_one #(
      .Width(Width)
    ) u_a_rest (
      .x_i    (a_operands[Width*i+:Width]),
      .one_o  (a_one),
      .rest_o (a_operands[Width*(i+1)+:Width])
    );
    leading_one #(
      .Width(Width)
    ) u_b_rest (
      .x_i    (b_operands[Width*i+:Width]),
      .one_o  (b_one),
      .rest_o (b_operands[Width*(i+1)+:Width])
    );

    logic unused_bits;
    assign unused_bits = ^{shifted[FractionBits-1:0], a_one, b_one};
  end

  always_comb begin
    magnitude_product = '0;
    for (int i = 0; i <= Corrections; i++) begin
      magnitude_product = magnitude_product + blocks[2*Width*i+:2*Width];
    end
  end

  // The rests of the last block.
  logic unused_rests;
  assign unused_rests = ^{a_operands[Width*(Corrections+1)+:Width],
                          b_operands[Width*(Corrections+1)+:Width]};

  if (Signed) begin : gen_signed
    mul_sign_magnitude #(
      .Width(Width)
    ) u_sign_magnitude (
      .a_i      (a_i),
      .b_i      (b_i),
      .p_o      (p_o),
      .core_a_o (a_magnitude),
      .core_b_o (b_magnitude),
      .core_p_i (magnitude_product)
    );
  end else begin : gen_unsigned
    assign a_magnitude = a_i;
    assign b_magnitude = b_i;
    assign p_o         = magnitude_product;
  end

endmodule
