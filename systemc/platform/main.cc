// A co-simulation program: `cosim JOB.json RESULT.json`, where RESULT.json has the result or the
// error. Built by lutra::cosim for each accelerator.
#include <cstdio>
#include <exception>
#include <fstream>
#include <new>
#include <nlohmann/json.hpp>
#include <systemc>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/platform/cosimulation.h"

int sc_main(int argc, char** argv) {
  // SystemC announces that sc_stop() was called; that is how every run ends.
  sc_core::sc_report_handler::set_actions("/OSCI/SystemC", sc_core::SC_DO_NOTHING);
  sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
  try {
    if (argc != 3) {
      throw lutra::Error(lutra::ErrorKind::kInvalidArgument, "expected JOB.json RESULT.json");
    }
    const nlohmann::json result =
        lutra::platform::cosimulate(nlohmann::json::parse(lutra::base::read_file(argv[1])));
    lutra::base::write_file(argv[2], result.dump(2) + "\n");
    return 0;
  } catch (const std::exception& error) {
    const auto* known = dynamic_cast<const lutra::Error*>(&error);
    const auto* memory = dynamic_cast<const std::bad_alloc*>(&error);
    const lutra::ErrorKind kind = known != nullptr    ? known->kind()
                                  : memory != nullptr ? lutra::ErrorKind::kExhausted
                                                      : lutra::ErrorKind::kInternal;
    // Its parent throws it again (lutra::cosim).
    const nlohmann::json fault = {{"error", error.what()},
                                  {"error_kind", lutra::error_kind_name(kind)}};
    std::fprintf(stderr, "cosim: %s\n", error.what());
    if (argc == 3) {
      std::ofstream(argv[2]) << fault.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
    }
    return 1;
  }
}
