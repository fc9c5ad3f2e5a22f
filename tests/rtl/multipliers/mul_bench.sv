// All multipliers of the library side by side on the same 8-bit operands, every legal parameter
// value of trunc and drum and a cross-section of bam, unsigned and signed. p_o holds one 16-bit
// product a configuration; the order is that of bench_configurations() in mul_rtl_test.cc.

module mul_bench (
  input  logic [7:0]       a_i,
  input  logic [7:0]       b_i,
  output logic [16*78-1:0] p_o
);

  localparam int unsigned FirstTrunc = 2;
  localparam int unsigned FirstDrum  = FirstTrunc + 2 * 7;
  localparam int unsigned FirstVbl   = FirstDrum + 2 * 5;
  localparam int unsigned FirstHbl   = FirstVbl + 2 * 15;
  localparam int unsigned FirstBoth  = FirstHbl + 2 * 7;
  localparam int unsigned FirstShell = FirstBoth + 2 * 2;

  for (genvar s = 0; s < 2; s++) begin : gen_signedness
    mul_exact #(
      .Signed (s == 1)
    ) u_exact (
      .a_i (a_i),
      .b_i (b_i),
      .p_o (p_o[16*s+:16])
    );
    for (genvar t = 1; t <= 7; t++) begin : gen_trunc
      mul_trunc #(
        .Signed    (s == 1),
        .TruncBits (t)
      ) u_trunc (
        .a_i (a_i),
        .b_i (b_i),
        .p_o (p_o[16*(FirstTrunc+2*(t-1)+s)+:16])
      );
    end
    for (genvar k = 3; k <= 7; k++) begin : gen_drum
      mul_drum #(
        .Signed   (s == 1),
        .KeptBits (k)
      ) u_drum (
        .a_i (a_i),
        .b_i (b_i),
        .p_o (p_o[16*(FirstDrum+2*(k-3)+s)+:16])
      );
    end
    for (genvar v = 0; v <= 14; v++) begin : gen_vbl
      mul_bam #(
        .Signed (s == 1),
        .Hbl    (0),
        .Vbl    (v)
      ) u_bam (
        .a_i (a_i),
        .b_i (b_i),
        .p_o (p_o[16*(FirstVbl+2*v+s)+:16])
      );
    end
    for (genvar h = 1; h <= 7; h++) begin : gen_hbl
      mul_bam #(
        .Signed (s == 1),
        .Hbl    (h),
        .Vbl    (0)
      ) u_bam (
        .a_i (a_i),
        .b_i (b_i),
        .p_o (p_o[16*(FirstHbl+2*(h-1)+s)+:16])
      );
    end
    mul_bam #(
      .Signed (s == 1),
      .Hbl    (2),
      .Vbl    (5)
    ) u_bam_2_5 (
      .a_i (a_i),
      .b_i (b_i),
      .p_o (p_o[16*(FirstBoth+s)+:16])
    );
    mul_bam #(
      .Signed (s == 1),
      .Hbl    (3),
      .Vbl    (9)
    ) u_bam_3_9 (
      .a_i (a_i),
      .b_i (b_i),
      .p_o (p_o[16*(FirstBoth+2+s)+:16])
    );
  end

  // The sign-magnitude shell around the unsigned multipliers.
  for (genvar c = 0; c < 4; c++) begin : gen_shell
    logic [7:0]  core_a, core_b;
    logic [15:0] core_p;
    mul_sign_magnitude u_shell (
      .a_i      (a_i),
      .b_i      (b_i),
      .p_o      (p_o[16*(FirstShell+c)+:16]),
      .core_a_o (core_a),
      .core_b_o (core_b),
      .core_p_i (core_p)
    );
    if (c == 0) begin : gen_exact
      mul_exact #(.Signed(1'b0)) u_core (.a_i(core_a), .b_i(core_b), .p_o(core_p));
    end else if (c == 1) begin : gen_trunc
      mul_trunc #(.Signed(1'b0), .TruncBits(2)) u_core (.a_i(core_a), .b_i(core_b), .p_o(core_p));
    end else if (c == 2) begin : gen_drum
      mul_drum #(.Signed(1'b0), .KeptBits(4)) u_core (.a_i(core_a), .b_i(core_b), .p_o(core_p));
    end else begin : gen_bam
      mul_bam #(.Signed(1'b0), .Hbl(0), .Vbl(6)) u_core (.a_i(core_a), .b_i(core_b), .p_o(core_p));
    end
  end

endmodule
