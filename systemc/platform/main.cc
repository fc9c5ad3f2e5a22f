// A co-simulation program: `cosim JOB.json RESULT.json`. Built by lutra::cosim for each
// accelerator.
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <systemc>

#include "lutra/numerics/error.h"
#include "lutra/numerics/files.h"
#include "lutra/platform/cosimulation.h"

int sc_main(int argc, char** argv) {
  // SystemC announces that sc_stop() was called; that is how every run ends.
  sc_core::sc_report_handler::set_actions("/OSCI/SystemC", sc_core::SC_DO_NOTHING);
  sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
  try {
    if (argc != 3) {
      throw lutra::Error(lutra::ExitCode::kUsage, "expected JOB.json RESULT.json");
    }
    const nlohmann::json result =
        lutra::platform::cosimulate(nlohmann::json::parse(lutra::numerics::read_file(argv[1])));
    lutra::numerics::write_file(argv[2], result.dump(2) + "\n");
    return result.at("verdict") == "match" ? 0 : static_cast<int>(lutra::ExitCode::kMismatch);
  } catch (const lutra::Error& error) {
    std::fprintf(stderr, "cosim: %s\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cosim: %s\n", error.what());
    return static_cast<int>(lutra::ExitCode::kInternal);
  }
}
