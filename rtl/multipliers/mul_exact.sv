// Exact multiplier: p = a * b. The reference that every approximate multiplier is compared with.
//
// Latency: 0, combinational.
// a_i, b_i: Width-bit integers, two's complement when Signed, otherwise unsigned; any value.
// p_o:      2*Width-bit product in the same representation; never overflows.

module mul_exact #(
  parameter int unsigned Width  = 8,
  parameter bit          Signed = 1'b1
) (
  input  logic [Width-1:0]   a_i,
  input  logic [Width-1:0]   b_i,
  output logic [2*Width-1:0] p_o
);

  if (Width < 2 || Width > 32) begin : gen_bad_width
    $error("mul_exact: Width is outside 2..32");
  end

  if (Signed) begin : gen_signed
    assign p_o = $signed(a_i) * $signed(b_i);
  end else begin : gen_unsigned
    assign p_o = a_i * b_i;
  end

endmodule
