#ifndef LUTRA_TESTS_MULTIPLIERS_CONFIGURATIONS_H_
#define LUTRA_TESTS_MULTIPLIERS_CONFIGURATIONS_H_

#include <fmt/format.h>

#include <string>
#include <vector>

#include "lutra/component/library.h"

namespace lutra::test {

/// One product of a bench.
struct Configuration {
  synth::MultiplierSpec spec;  ///< of the multiplier, or of the unsigned core in the shell
  bool shell = false;          ///< mul_sign_magnitude around it: the products are signed

  std::string name() const { return spec.canonical() + (shell ? " in the shell" : ""); }
  bool is_signed() const { return spec.is_signed || shell; }
};

using Configurations = std::vector<Configuration>;

/// The specifications of a family's pattern, unsigned and signed.
inline Configurations both_signs(const std::string& pattern) {
  Configurations all;
  for (const std::string& spec : synth::expand_pattern(pattern)) {
    synth::MultiplierSpec parsed = synth::parse_multiplier_spec(spec);
    for (const bool is_signed : {false, true}) {
      parsed.is_signed = is_signed;
      all.push_back({parsed});
    }
  }
  return all;
}

inline void append(const Configurations& more, Configurations* all) {
  all->insert(all->end(), more.begin(), more.end());
}

/// 8 bits: what the families' descriptors name; then the shell around unsigned cores.
inline Configurations configurations_8() {
  Configurations all;
  for (const synth::MultiplierFamily& family : synth::multiplier_families()) {
    for (const std::string& pattern : family.tested) append(both_signs(pattern), &all);
  }
  for (const char* core : {"exact", "trunc", "drum", "bam"}) {
    all.push_back({synth::parse_multiplier_spec(fmt::format("{}:signed=0", core)), true});
  }
  return all;
}

/// A few configurations of each family at other widths.
inline Configurations configurations_other_widths() {
  Configurations all;
  for (const synth::MultiplierFamily& family : synth::multiplier_families()) {
    for (const std::string& pattern : family.tested_widths) append(both_signs(pattern), &all);
  }
  return all;
}

/// What is synthesised: every family at its default, and values that change the structure.
inline Configurations configurations_netlist() {
  Configurations all;
  for (const synth::MultiplierFamily& family : synth::multiplier_families()) {
    append(both_signs(synth::parse_multiplier_spec(family.name).canonical()), &all);
    for (const std::string& pattern : family.tested_netlists) append(both_signs(pattern), &all);
  }
  return all;
}

}  // namespace lutra::test

#endif  // LUTRA_TESTS_MULTIPLIERS_CONFIGURATIONS_H_
