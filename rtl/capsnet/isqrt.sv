// Integer square root: the largest r with r * r <= x. Two bits of the root a cycle.
//
// start_i is taken at any time and begins a new root; done_o is high for one cycle, Width / 4
// cycles later, with root_o valid from then on until the next start.
// Formats: x_i unsigned Width bits (Width a multiple of 4); root_o unsigned Width / 2 bits.
module isqrt #(
  parameter int unsigned Width = 32
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               start_i,
  input  logic [Width-1:0]   x_i,
  output logic               done_o,
  output logic [Width/2-1:0] root_o
);

  localparam int unsigned Steps    = Width / 4;
  localparam int unsigned StepBits = $clog2(Steps + 1);

  if (Width < 4 || Width % 4 != 0) begin : gen_width_error
    $error("isqrt: Width must be a positive multiple of 4");
  end

  logic [StepBits-1:0]  left_q;
  logic [Width-1:0]     x_q, x_d;
  logic [Width/2-1:0]   root_q, root_d;
  logic [Width/2+1:0]   rest_q, rest_d;  // x - root^2 of the bits seen so far, at most 2 * root

  always_comb begin
    logic [Width/2+1:0] shifted, trial;
    x_d    = x_q;
    root_d = root_q;
    rest_d = rest_q;
    for (int step = 0; step < 2; step++) begin
      shifted = {rest_d[Width/2-1:0], x_d[Width-1-:2]};
      trial   = {root_d, 2'b01};
      x_d     = x_d << 2;
      if (shifted >= trial) begin
        rest_d = shifted - trial;
        root_d = {root_d[Width/2-2:0], 1'b1};
      end else begin
        rest_d = shifted;
        root_d = {root_d[Width/2-2:0], 1'b0};
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      left_q <= '0;
      done_o <= 1'b0;
    end else begin
      done_o <= !start_i && left_q == StepBits'(1);
      if (start_i)           left_q <= StepBits'(Steps);
      else if (left_q != '0) left_q <= left_q - StepBits'(1);
    end
  end

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      x_q    <= x_i;
      root_q <= '0;
      rest_q <= '0;
    end else if (left_q != '0) begin
      x_q    <= x_d;
      root_q <= root_d;
      rest_q <= rest_d;
    end
  end

  assign root_o = root_q;

endmodule
