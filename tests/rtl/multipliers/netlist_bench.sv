// Mapped netlists and the RTL that they came from, side by side: two 16-bit products (netlist, RTL)
// a multiplier in the order exact, trunc, drum, bam, unsigned before signed; and a sequential unit.

module netlist_bench (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         enable_i,
  input  logic         clear_i,
  input  logic [7:0]   a_i,
  input  logic [7:0]   b_i,
  output logic [127:0] netlist_o,
  output logic [127:0] rtl_o,
  output logic [19:0]  acc_netlist_o,
  output logic [19:0]  acc_rtl_o
);

  mul_exact_unsigned_netlist u_exact_0 (.a_i, .b_i, .p_o(netlist_o[15:0]));
  mul_exact_signed_netlist   u_exact_1 (.a_i, .b_i, .p_o(netlist_o[31:16]));
  mul_trunc_unsigned_netlist u_trunc_0 (.a_i, .b_i, .p_o(netlist_o[47:32]));
  mul_trunc_signed_netlist   u_trunc_1 (.a_i, .b_i, .p_o(netlist_o[63:48]));
  mul_drum_unsigned_netlist  u_drum_0 (.a_i, .b_i, .p_o(netlist_o[79:64]));
  mul_drum_signed_netlist    u_drum_1 (.a_i, .b_i, .p_o(netlist_o[95:80]));
  mul_bam_unsigned_netlist   u_bam_0 (.a_i, .b_i, .p_o(netlist_o[111:96]));
  mul_bam_signed_netlist     u_bam_1 (.a_i, .b_i, .p_o(netlist_o[127:112]));

  for (genvar s = 0; s < 2; s++) begin : gen_signedness
    mul_exact #(.Signed(s == 1)) u_exact (.a_i, .b_i, .p_o(rtl_o[16*s+:16]));
    mul_trunc #(.Signed(s == 1)) u_trunc (.a_i, .b_i, .p_o(rtl_o[32+16*s+:16]));
    mul_drum  #(.Signed(s == 1)) u_drum (.a_i, .b_i, .p_o(rtl_o[64+16*s+:16]));
    mul_bam   #(.Signed(s == 1)) u_bam (.a_i, .b_i, .p_o(rtl_o[96+16*s+:16]));
  end

  multiply_accumulate_netlist u_acc_netlist (
    .clk_i, .rst_ni, .enable_i, .clear_i, .a_i, .b_i, .acc_o(acc_netlist_o)
  );
  multiply_accumulate u_acc_rtl (
    .clk_i, .rst_ni, .enable_i, .clear_i, .a_i, .b_i, .acc_o(acc_rtl_o)
  );

endmodule
