// write_netlists LIBERTY OUT_DIR SEQUENTIAL_FILE: the netlists that netlist_bench.sv instantiates,
// in one file, with the cells that they use, generated from the Liberty functions. Run by the
// build.

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "lutra/numerics/error.h"
#include "lutra/synth/liberty.h"
#include "lutra/synth/library.h"
#include "lutra/synth/netlist.h"
#include "lutra/synth/synthesis.h"

namespace {

using lutra::synth::Liberty;
using lutra::synth::MultiplierSource;
using lutra::synth::Netlist;

struct Wanted {
  std::string module;
  MultiplierSource source;
};

void write_netlists(const std::filesystem::path& liberty_path, const std::filesystem::path& out,
                    const std::filesystem::path& sequential) {
  std::vector<Wanted> wanted;
  for (const char* name : {"exact", "trunc", "drum", "bam"}) {
    wanted.push_back(
        {fmt::format("mul_{}_signed_netlist", name), lutra::synth::library_source(name)});
    wanted.push_back({fmt::format("mul_{}_unsigned_netlist", name),
                      lutra::synth::library_source(fmt::format("{}:signed=0", name))});
  }
  wanted.push_back({"multiply_accumulate_netlist",
                    lutra::synth::verilog_source({sequential}, "multiply_accumulate")});

  const Liberty liberty = Liberty::read(liberty_path);
  std::set<std::string> cells;
  std::string text;
  for (const Wanted& item : wanted) {
    const lutra::synth::SynthesisResult result =
        lutra::synth::synthesize(item.source.files, item.source.top, item.source.parameters,
                                 liberty_path, out / item.module);
    const Netlist netlist = Netlist::read_json(result.netlist_json, liberty);
    text += netlist.verilog(item.module) + "\n";
    for (const auto& [cell, count] : netlist.cell_counts()) cells.insert(cell);
  }
  text += liberty.verilog_cells({cells.begin(), cells.end()});
  std::ofstream file(out / "netlists.v");
  file << text;
  file.close();
  if (!file) {
    throw lutra::Error(lutra::ExitCode::kUsage,
                       fmt::format("{}: cannot be written", (out / "netlists.v").string()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: write_netlists LIBERTY OUT_DIR SEQUENTIAL_FILE\n", stderr);
    return static_cast<int>(lutra::ExitCode::kUsage);
  }
  try {
    write_netlists(argv[1], argv[2], argv[3]);
  } catch (const lutra::Error& error) {
    fmt::print(stderr, "write_netlists: {}\n", error.what());
    return static_cast<int>(error.code());
  }
  return 0;
}
