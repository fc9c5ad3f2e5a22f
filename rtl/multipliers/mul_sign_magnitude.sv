// Sign-magnitude shell: makes a signed multiplier of any unsigned one. The shell hands the
// magnitudes of both operands to an unsigned core outside it and gives the core's product the sign
// of a * b.
//
// Latency: 0, combinational.
// a_i, b_i:           Width-bit two's complement integers; any value, -2^(Width-1) included.
// core_a_o, core_b_o: Width-bit unsigned magnitudes, 0..2^(Width-1).
// core_p_i:           2*Width-bit unsigned product of the core.
// p_o:                2*Width-bit two's complement: core_p_i, negated modulo 2^(2*Width) when
//                     exactly one operand is negative. A core that returns more than 2^(2*Width-1)
//                     for magnitudes up to 2^(Width-1) would wrap.

module mul_sign_magnitude #(
  parameter int Width = 8
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o,

  output logic [Width-1:0]   core_a_o,
  output logic [Width-1:0]   core_b_o,
  input  logic [2*Width-1:0] core_p_i
);

`ifndef __ICARUS__
  if (Width < 2 || Width > 32) begin : gen_bad_width
    $error("mul_sign_magnitude: Width is outside 2..32");
  end
`endif

  logic negative;

  assign core_a_o = a_i[Width-1] ? -a_i : a_i;
  assign core_b_o = b_i[Width-1] ? -b_i : b_i;
  assign negative = a_i[Width-1] ^ b_i[Width-1];
  assign p_o      = negative ? -core_p_i : core_p_i;

endmodule
