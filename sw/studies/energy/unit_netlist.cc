#include "energy/unit_netlist.h"

#include <nlohmann/json.hpp>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/sha256.h"
#include "lutra/synthesis/synthesis.h"
#include "lutra/synthesis/verilog_sources.h"

namespace lutra::studies {

namespace fs = std::filesystem;

namespace {

/// The files of a kept netlist that are read back, with their checksums in kChecksums.
constexpr const char* kFiles[] = {"cells.lib", "netlist.json"};
constexpr const char* kChecksums = "checksums.json";

bool is_whole(const fs::path& directory) {
  try {
    const auto sums = nlohmann::json::parse(base::read_file(directory / kChecksums));
    for (const char* file : kFiles) {
      if (sums.at(file) != base::sha256_hex(base::read_file(directory / file))) return false;
    }
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

UnitNetlist::UnitNetlist(const std::vector<fs::path>& files, const std::string& top,
                         const synth::LibertyFiles& liberty, const fs::path& cache_dir,
                         const std::function<void(const std::string&)>& notice) {
  const synth::VerilogSources sources = synth::VerilogSources::read(files, top);
  const fs::path units = cache_dir / "units";
  const fs::path directory =
      units / base::sha256_hex("lutra unit 3\n" + synth::Liberty::shared(liberty)->sha256() +
                               synth::yosys_version() + "\n" + sources.key_text())
                  .substr(0, 32);
  if (!is_whole(directory)) {
    if (notice && fs::exists(directory)) notice(directory.string() + ": damaged, and made again");
    fs::create_directories(units);
    base::PrivateDirectory work(units);
    synth::synthesize(sources, {}, liberty, work.path());
    nlohmann::json sums;
    for (const char* file : kFiles) {
      sums[file] = base::sha256_hex(base::read_file(work.path() / file));
    }
    base::write_file(work.path() / kChecksums, sums.dump(2) + "\n");
    std::error_code error;
    if (fs::exists(directory)) {
      const base::PrivateDirectory old(units);
      fs::rename(directory, old.path() / "old", error);
    }
    fs::rename(work.path(), directory, error);
    if (!error) {
      work.release();
    } else if (!is_whole(directory)) {  // otherwise another process was first
      throw Error(ErrorKind::kInvalidArgument,
                  directory.string() + ": cannot be written: " + error.message());
    }
  }
  liberty_ = std::make_unique<synth::Liberty>(synth::Liberty::read(directory / "cells.lib"));
  netlist_ = std::make_unique<synth::Netlist>(
      synth::Netlist::read_json(directory / "netlist.json", *liberty_));
  slew_ns_ = liberty_->fanout_of_four_slew_ns();
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
