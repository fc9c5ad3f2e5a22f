#include "energy/unit_netlist.h"

#include "lutra/numerics/error.h"
#include "lutra/numerics/files.h"
#include "lutra/synth/files.h"
#include "lutra/synth/synthesis.h"

namespace lutra::studies {

namespace fs = std::filesystem;

UnitNetlist::UnitNetlist(const std::vector<fs::path>& files, const std::string& top,
                         const fs::path& liberty, const fs::path& cache_dir) {
  std::string key = "lutra unit 1" + top + numerics::read_file(liberty) + synth::yosys_version();
  for (const fs::path& file : files) key += file.filename().string() + numerics::read_file(file);
  const fs::path units = cache_dir / "units";
  const fs::path directory = units / synth::sha256_hex(key).substr(0, 32);
  if (!fs::exists(directory)) {
    fs::create_directories(units);
    synth::PrivateDirectory work(units);
    synth::synthesize(files, top, {}, liberty, work.path());
    std::error_code error;
    fs::rename(work.path(), directory, error);
    if (!error) {
      work.release();
    } else if (!fs::exists(directory)) {  // otherwise another process was first
      throw Error(ExitCode::kUsage, directory.string() + ": cannot be written: " + error.message());
    }
  }
  liberty_ = std::make_unique<synth::Liberty>(synth::Liberty::read(directory / "cells.lib"));
  netlist_ = std::make_unique<synth::Netlist>(
      synth::Netlist::read_json(directory / "netlist.json", *liberty_));
}

void set_wide_input(synth::NetlistSimulator* simulator, const synth::NetlistPort& port, int lane,
                    const std::vector<uint8_t>& bytes) {
  for (int bit = 0; bit < port.width(); ++bit) {
    const size_t byte = static_cast<size_t>(bit) / 8;
    simulator->set_input_bit(port, bit, lane,
                             byte < bytes.size() && (bytes[byte] >> (bit % 8) & 1) != 0);
  }
}

}  // namespace lutra::studies
