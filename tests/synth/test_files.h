#ifndef LUTRA_TESTS_SYNTH_TEST_FILES_H_
#define LUTRA_TESTS_SYNTH_TEST_FILES_H_

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "lutra/base/error.h"
#include "lutra/component/component.h"

namespace lutra::test {

/// A directory of its own for each test, removed at the end.
class TestDirectory {
 public:
  TestDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lutra-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

 private:
  std::filesystem::path path_;
};

inline std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

/// Expects `call` to throw Error with this code and a text that holds `part`.
inline void expect_error(ErrorKind kind, const std::string& part,
                         const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "no error, expected one about \"" << part << "\"";
  } catch (const Error& error) {
    EXPECT_EQ(error_kind_name(error.kind()), error_kind_name(kind)) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
        << "\"" << error.what() << "\" does not hold \"" << part << "\"";
  }
}

inline bool on_path(const std::string& program) {
  const char* path = getenv("PATH");
  std::istringstream directories(path == nullptr ? "" : path);
  std::string directory;
  while (std::getline(directories, directory, ':')) {
    if (std::filesystem::exists(std::filesystem::path(directory) / program)) return true;
  }
  return false;
}

/// Why the tests that synthesise cannot run here; empty if they can.
inline std::string missing_tools() {
  for (const char* program : {"yosys", "sta"}) {
    if (!on_path(program)) return std::string(program) + " is not on PATH";
  }
  try {
    synth::default_liberty();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

#define LUTRA_SKIP_WITHOUT_TOOLS()                             \
  do {                                                         \
    const std::string reason = ::lutra::test::missing_tools(); \
    if (!reason.empty()) GTEST_SKIP() << reason;               \
  } while (false)

/// A Yosys netlist with the given ports and cells, and no names.
inline std::string netlist_json(const std::string& ports, const std::string& cells) {
  return fmt::format(
      R"({{"modules": {{"m": {{"ports": {{{}}}, "cells": {{{}}}, "netnames": {{}}}}}}}})", ports,
      cells);
}

inline std::string port(const std::string& name, const std::string& direction,
                        const std::string& bits) {
  return fmt::format(R"("{}": {{"direction": "{}", "bits": [{}]}})", name, direction, bits);
}

inline std::string cell(const std::string& name, const std::string& type,
                        const std::vector<std::pair<std::string, std::string>>& pins) {
  std::string connections;
  for (const auto& [pin, bit] : pins) {
    connections += fmt::format(R"({}"{}": [{}])", connections.empty() ? "" : ", ", pin, bit);
  }
  return fmt::format(R"("{}": {{"type": "{}", "connections": {{{}}}}})", name, type, connections);
}

/// A library of a few cells with round numbers: 1 ns, 1 fF, 2 V; every internal power is a
/// constant. INV: area 1, input 2 fF, 10 fJ a rise and 20 fJ a fall. NAND2: area 2, inputs 3 and 4
/// fF, 1 fJ a transition caused by A and 3 fJ by B. XOR2: inputs 5 fF, no internal power. DFFR:
/// clear active low, clock 6 fF with 7 fJ a clock edge, D 1 fF.
inline const char* small_liberty() {
  return R"(/* a library for tests */
library (small) {
  time_unit : "1ns"; voltage_unit : "1V"; current_unit : "1mA";
  leakage_power_unit : "1nW"; capacitive_load_unit (1, ff);
  nom_voltage : 2.0; delay_model : table_lookup;
  input_threshold_pct_rise : 50; input_threshold_pct_fall : 50;
  output_threshold_pct_rise : 50; output_threshold_pct_fall : 50;
  slew_lower_threshold_pct_rise : 20; slew_lower_threshold_pct_fall : 20;
  slew_upper_threshold_pct_rise : 80; slew_upper_threshold_pct_fall : 80;
  lu_table_template (delay) {
    variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
    index_1 ("0.0, 1.0"); index_2 ("0.0, 10.0");
  }
  power_lut_template (power_2x2) {
    variable_1 : total_output_net_capacitance; variable_2 : input_transition_time;
    index_1 ("0.0, 10.0"); index_2 ("0.0, 1.0");
  }
  cell (INV) {
    area : 1; cell_leakage_power : 0.5;
    pin (A) { direction : input; capacitance : 2; }
    pin (Y) {
      direction : output; function : "!A";
      timing () {
        related_pin : "A"; timing_sense : negative_unate;
        cell_rise (delay) { values ("0.1, 0.2", "0.2, 0.3"); }
        cell_fall (delay) { values ("0.1, 0.2", "0.2, 0.3"); }
        rise_transition (delay) { values ("0.02, 0.12", "0.12, 0.22"); }
        fall_transition (delay) { values ("0.02, 0.12", "0.12, 0.22"); }
      }
      internal_power () {
        related_pin : "A";
        rise_power (power_2x2) { values ("10, 10", "10, 10"); }
        fall_power (scalar) { values ("20"); }
      }
    }
  }
  cell (NAND2) {
    area : 2; cell_leakage_power : 1;
    pin (A) { direction : input; capacitance : 3; }
    pin (B) { direction : input; capacitance : 4; }
    pin (Y) {
      direction : output; function : "(A B)'";
      internal_power () { related_pin : "A"; power (scalar) { values ("1"); } }
      internal_power () { related_pin : "B"; power (scalar) { values ("3"); } }
    }
  }
  cell (XOR2) {
    area : 3;
    leakage_power () { when : "A"; value : 1; }
    leakage_power () { when : "!A"; value : 3; }
    pin (A) { direction : input; capacitance : 5; }
    pin (B) { direction : input; capacitance : 5; }
    pin (Y) { direction : output; function : "A ^ B"; }
  }
  cell (DFFR) {
    area : 6;
    ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; clear : "!RN"; }
    pin (CK) {
      direction : input; clock : true; capacitance : 6;
      internal_power () { power (scalar) { values ("7"); } }
    }
    pin (D) { direction : input; capacitance : 1; }
    pin (RN) { direction : input; capacitance : 1; }
    pin (Q) { direction : output; function : "IQ"; }
    pin (QN) { direction : output; function : "IQN"; }
  }
  cell (LATCH) {
    area : 4; latch (IQ, IQN) { data_in : "D"; enable : "G"; }
    pin (D) { direction : input; } pin (G) { direction : input; }
    pin (Q) { direction : output; function : "IQ"; }
  }
}
)";
}

}  // namespace lutra::test

#endif  // LUTRA_TESTS_SYNTH_TEST_FILES_H_
