// Leading one of an unsigned integer, as a one-hot word, and what is left without it.
//
// Latency: 0, combinational.
// x_i:    Width-bit unsigned integer, any value.
// one_o:  2^floor(log2(x_i)); 0 for x_i = 0.
// rest_o: x_i - one_o.

module leading_one #(
  parameter int Width = 8
) (
  input  logic [Width-1:0] x_i,
  output logic [Width-1:0] one_o,
  output logic [Width-1:0] rest_o
);

  logic higher_one;

  always_comb begin
    higher_one = 1'b0;
    for (int i = Width - 1; i >= 0; i--) begin
      one_o[i]   = x_i[i] & ~higher_one;
      higher_one = higher_one | x_i[i];
    end
  end

  assign rest_o = x_i & ~one_o;

endmodule
