// Binary logarithm's two parts by Mitchell's method: position of the leading one and the bits below
// it, moved up to the top.
//
// Latency: 0, combinational.
// x_i:        Width-bit unsigned integer, any value.
// nonzero_o:  x_i is not 0.
// position_o: of the leading one, floor(log2(x_i)); meaningless for x_i = 0.
// fraction_o: x_i / 2^position_o - 1, unsigned, in units of 2^-(Width-1); 0 for x_i = 0.
//
// Each step moves the word up by half as much as the step before if its top bits are zero, which
// finds the position on the way.

module normaliser #(
  parameter int Width = 8
) (
  input  logic [Width-1:0]         x_i,
  output logic                     nonzero_o,
  output logic [$clog2(Width)-1:0] position_o,
  output logic [Width-2:0]         fraction_o
);

  localparam int Steps = $clog2(Width);

  logic             zeros;
  logic [Steps-1:0] shift;
  logic [Width-1:0] word;

  always_comb begin
    word  = x_i;
    shift = '0;
    for (int i = Steps - 1; i >= 0; i--) begin
      zeros = ~(|(word >> (Width - (1 << i))));
      word  = zeros ? word << (1 << i) : word;
      shift = shift | (Steps'(zeros) << i);
    end
  end

  assign {nonzero_o, fraction_o} = word;
  assign position_o              = (Width == 1 << Steps) ? ~shift : Steps'(Width - 1) - shift;

endmodule
