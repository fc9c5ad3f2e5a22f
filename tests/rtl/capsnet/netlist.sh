#!/bin/sh
# netlist.sh TOP OUT.v [-set NAME VALUE]... -- SOURCES: synthesises TOP with Yosys to one-bit gates and two
# kinds of flip-flop, written as plain Verilog; the module is called TOP_netlist. A buffer on each output bit keeps
# outputs from being read back, which Verilator 5.006 simulates wrongly where a concatenation drives them.
set -e
top="$1"
out="$2"
shift 2
parameters=""
while [ "$1" != "--" ]; do
  parameters="$parameters $1"
  shift
done
shift
chparam=""
[ -z "$parameters" ] || chparam="chparam $parameters $top;"
yosys -q -p "read_verilog -sv $*; $chparam hierarchy -check -top $top; synth -flatten -top $top;
  dfflegalize -cell \$_DFF_P_ x -cell \$_DFF_PN0_ x; abc -g AND,OR,XOR,MUX; opt_clean -purge;
  check -assert; iopadmap -bits -outpad output_buffer A:Y; splitnets; opt_clean -purge; rename $top ${top}_netlist;
  write_verilog -noattr $out"
cat >> "$out" <<'END'

module output_buffer (input A, output Y);
  assign Y = A;
endmodule
END
