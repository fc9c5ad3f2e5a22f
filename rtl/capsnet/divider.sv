// Integer division: the largest q with q * den <= num. Two bits of the quotient a cycle.
//
// start_i is taken at any time and begins a new division; done_o is high for one cycle,
// QuotientBits / 2 cycles later, with quotient_o valid from then on until the next start.
// Formats: num_i unsigned NumBits; den_i unsigned DenBits, not 0; quotient_o unsigned QuotientBits.
// The caller knows that the quotient fits: (num_i >> QuotientBits) < den_i.
module divider #(
  parameter int unsigned NumBits      = 32,
  parameter int unsigned DenBits      = 32,
  parameter int unsigned QuotientBits = 32
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    start_i,
  input  logic [NumBits-1:0]      num_i,
  input  logic [DenBits-1:0]      den_i,
  output logic                    done_o,
  output logic [QuotientBits-1:0] quotient_o
);

  localparam int unsigned Steps    = QuotientBits / 2;
  localparam int unsigned StepBits = $clog2(Steps + 1);

  if (QuotientBits < 2 || QuotientBits % 2 != 0 || QuotientBits > NumBits) begin : gen_bits_error
    $error("divider: QuotientBits must be even, 2..NumBits");
  end
  if (NumBits - QuotientBits > DenBits) begin : gen_den_error
    $error("divider: NumBits - QuotientBits must not exceed DenBits");
  end

  logic [StepBits-1:0]     left_q;
  logic [DenBits-1:0]      den_q;
  logic [DenBits-1:0]      rest_q, rest_d;  // always below den
  logic [QuotientBits-1:0] low_q, low_d;    // numerator bits not yet used, then quotient bits

  always_comb begin
    logic [DenBits:0] shifted;
    rest_d = rest_q;
    low_d  = low_q;
    for (int step = 0; step < 2; step++) begin
      shifted = {rest_d, low_d[QuotientBits-1]};
      if (shifted >= {1'b0, den_q}) begin
        shifted = shifted - {1'b0, den_q};
        low_d   = {low_d[QuotientBits-2:0], 1'b1};
      end else begin
        low_d   = {low_d[QuotientBits-2:0], 1'b0};
      end
      rest_d = shifted[DenBits-1:0];
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
      den_q  <= den_i;
      rest_q <= DenBits'(num_i >> QuotientBits);
      low_q  <= num_i[QuotientBits-1:0];
    end else if (left_q != '0) begin
      rest_q <= rest_d;
      low_q  <= low_d;
    end
  end

  assign quotient_o = low_q;

`ifndef SYNTHESIS
  a_quotient_fits: assert property (@(posedge clk_i) disable iff (!rst_ni)
      start_i |-> (64'(num_i) >> QuotientBits) < 64'(den_i));
`endif

endmodule
