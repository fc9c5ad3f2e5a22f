#ifndef LUTRA_TESTS_SYSTEMC_BENCH_H_
#define LUTRA_TESTS_SYSTEMC_BENCH_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <systemc>
#include <utility>
#include <vector>

#include "lutra/platform/accelerator_ports.h"

namespace lutra::platform {

/// Counts comparisons; prints them and fails at the end when there was none.
class Comparisons {
 public:
  ~Comparisons() {
    std::printf("checked=%lld mismatches=%lld\n", static_cast<long long>(checked_),
                static_cast<long long>(mismatches_));
    EXPECT_GT(checked_, 0) << "nothing was compared";
    EXPECT_EQ(mismatches_, 0);
  }
  void check(int64_t expected, int64_t got, const std::string& what) {
    ++checked_;
    if (expected == got) return;
    if (++mismatches_ <= 5) {
      ADD_FAILURE() << what << ": expected " << expected << ", got " << got;
    }
  }
  int64_t checked() const { return checked_; }

 private:
  int64_t checked_ = 0;
  int64_t mismatches_ = 0;
};

/// Clock, reset and threads of stimuli; the simulation stops when all threads have returned, or
/// after so many cycles, which is a failure.
class Bench : public sc_core::sc_module {
 public:
  static constexpr int kMaxCycles = 400000;

  AcceleratorSignals signals;
  const sc_core::sc_time period{10, sc_core::SC_NS};

  explicit Bench(sc_core::sc_module_name name) : sc_module(name) {
    SC_HAS_PROCESS(Bench);
    SC_THREAD(drive_clock);
  }

  /// A thread of stimuli, started when reset is over.
  void add_thread(std::function<void()> body) {
    ++running_;
    sc_core::sc_spawn([this, body = std::move(body)] {
      wait(signals.rst_ni.posedge_event());
      wait(signals.clk_i.posedge_event());
      body();
      if (--running_ == 0) sc_core::sc_stop();
    });
  }

  void run() {
    sc_core::sc_start();
    EXPECT_EQ(running_, 0) << "the bench hangs";
  }

  void wait_clock() { wait(signals.clk_i.posedge_event()); }
  void wait_clocks(unsigned count) {
    for (unsigned i = 0; i < count; ++i) wait_clock();
  }
  int cycle() const { return cycle_; }

  /// Asserts reset at the next falling edge, calls `quiet` at once, and returns after it is over.
  void reset(const std::function<void()>& quiet) {
    reset_left_ = kResetCycles;
    wait(signals.rst_ni.negedge_event());
    quiet();
    wait(signals.rst_ni.posedge_event());
    wait_clock();
  }

 private:
  void drive_clock() {
    for (; cycle_ < kMaxCycles; ++cycle_) {
      signals.rst_ni = reset_left_ == 0;
      if (reset_left_ > 0) --reset_left_;
      wait(period / 2);
      signals.clk_i = true;
      wait(period / 2);
      signals.clk_i = false;
    }
    sc_core::sc_stop();
  }

  static constexpr int kResetCycles = 4;

  int reset_left_ = kResetCycles;
  int running_ = 0;
  int cycle_ = 0;
};

}  // namespace lutra::platform

#endif  // LUTRA_TESTS_SYSTEMC_BENCH_H_
