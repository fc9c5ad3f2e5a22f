// Compiled beside each verilated accelerator: binds Verilator's class to the platform's wires.
#include "Vcapsnet_accel.h"
#include "lutra/platform/accelerator_ports.h"
#include "verilated.h"
#ifdef LUTRA_WAVE
#include "verilated_fst_c.h"
#endif

namespace lutra::platform {
namespace {

class VerilatedAccelerator : public AcceleratorModel {
 public:
  explicit VerilatedAccelerator(AcceleratorSignals* signals) : model_("accelerator") {
#define LUTRA_BIND(type, name) model_.name(signals->name);
    LUTRA_ACCELERATOR_PORTS(LUTRA_BIND)
#undef LUTRA_BIND
  }
  ~VerilatedAccelerator() override { model_.final(); }

#ifdef LUTRA_WAVE
  bool open_wave(const std::string& path) override {
    model_.trace(&wave_, 99);
    wave_.open(path.c_str());
    return wave_.isOpen();
  }
  void dump_wave(uint64_t picoseconds) override { wave_.dump(picoseconds); }
  void close_wave() override { wave_.close(); }
#else
  bool open_wave(const std::string&) override { return false; }
  void dump_wave(uint64_t) override {}
  void close_wave() override {}
#endif

 private:
  Vcapsnet_accel model_;
#ifdef LUTRA_WAVE
  VerilatedFstC wave_;
#endif
};

}  // namespace

std::unique_ptr<AcceleratorModel> make_accelerator(AcceleratorSignals* signals) {
#ifdef LUTRA_WAVE
  Verilated::traceEverOn(true);
#endif
  return std::make_unique<VerilatedAccelerator>(signals);
}

}  // namespace lutra::platform
