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

/// Adds a specification unsigned and signed.
inline void add_both(const std::string& spec, Configurations* all) {
  const char separator = spec.find(':') == std::string::npos ? ':' : ',';
  for (const int is_signed : {0, 1}) {
    all->push_back(
        {synth::parse_multiplier_spec(fmt::format("{}{}signed={}", spec, separator, is_signed))});
  }
}

/// 8 bits: every value of small parameters, a cross-section of large ones; then the shell.
inline Configurations configurations_8() {
  Configurations all;
  const auto add = [&all](const std::string& spec) { add_both(spec, &all); };
  for (const char* family : {"exact", "dadda", "booth", "udm", "mitchell", "mbm", "roba"}) {
    add(family);
  }
  for (int t = 1; t <= 7; ++t) add(fmt::format("trunc:trunc_bits={}", t));
  // Not rows = 8, the constant 0.
  for (int rows = 1; rows <= 7; ++rows) add(fmt::format("perforation:first=0,rows={}", rows));
  for (const char* place : {"first=1,rows=3", "first=2,rows=4", "first=3,rows=2", "first=4,rows=1",
                            "first=5,rows=3", "first=6,rows=2", "first=7,rows=1"}) {
    add(fmt::format("perforation:{}", place));
  }
  for (int vbl = 0; vbl <= 14; ++vbl) add(fmt::format("bam:hbl=0,vbl={}", vbl));
  for (int hbl = 1; hbl <= 7; ++hbl) add(fmt::format("bam:hbl={},vbl=0", hbl));
  add("bam:hbl=2,vbl=5");
  add("bam:hbl=3,vbl=9");
  for (const int type : {0, 1}) {
    for (const int vbl : {0, 1, 2, 5, 6, 7, 9, 12, 13, 14}) {
      add(fmt::format("broken_booth:vbl={},type={}", vbl, type));
    }
  }
  for (const int bits : {1, 2, 4, 6, 7, 8, 9, 11, 14}) add(fmt::format("loa:or_bits={}", bits));
  for (int k = 3; k <= 7; ++k) add(fmt::format("drum:kept_bits={}", k));
  for (int m = 4; m <= 7; ++m) add(fmt::format("ssm:segment_bits={}", m));
  for (const int m : {4, 6}) add(fmt::format("ssm:segment_bits={},enhanced=1", m));
  for (int c = 0; c <= 2; ++c) add(fmt::format("ilm:corrections={}", c));
  for (const char* bits :
       {"h=0,t=1", "h=0,t=3", "h=0,t=7", "h=1,t=2", "h=1,t=4", "h=2,t=3", "h=2,t=5", "h=2,t=7",
        "h=3,t=5", "h=3,t=7", "h=4,t=5", "h=5,t=7", "h=6,t=7"}) {
    add(fmt::format("tosam:{}", bits));
  }
  for (const int kind : {1, 2}) {
    for (const int columns : {0, 4, 7, 8, 11, 15}) {
      add(fmt::format("compressor:kind={},columns={}", kind, columns));
    }
  }
  for (const int columns : {0, 1, 4, 6, 8, 11, 14}) add(fmt::format("ptm:columns={}", columns));
  for (const char* core : {"exact", "trunc", "drum", "bam"}) {
    all.push_back({synth::parse_multiplier_spec(fmt::format("{}:signed=0", core)), true});
  }
  return all;
}

/// A few configurations of each family at other widths.
inline Configurations configurations_other_widths() {
  Configurations all;
  for (const char* spec : {
           "exact:width=5",
           "exact:width=16",
           "dadda:width=4",
           "dadda:width=5",
           "dadda:width=7",
           "dadda:width=10",
           "dadda:width=16",
           "booth:width=4",
           "booth:width=6",
           "booth:width=10",
           "booth:width=16",
           "trunc:trunc_bits=3,width=7",
           "trunc:trunc_bits=5,width=16",
           "perforation:first=1,rows=2,width=5",
           "perforation:first=3,rows=5,width=12",
           "bam:hbl=1,vbl=4,width=5",
           "bam:hbl=2,vbl=10,width=12",
           "bam:hbl=0,vbl=13,width=16",
           "broken_booth:vbl=3,type=0,width=4",
           "broken_booth:vbl=4,type=1,width=6",
           "broken_booth:vbl=9,type=0,width=10",
           "broken_booth:vbl=14,type=1,width=16",
           "loa:or_bits=3,width=4",
           "loa:or_bits=5,width=7",
           "loa:or_bits=12,width=16",
           "udm:width=4",
           "udm:width=6",
           "udm:width=16",
           "drum:kept_bits=3,width=4",
           "drum:kept_bits=4,width=7",
           "drum:kept_bits=6,width=16",
           "ssm:segment_bits=3,width=5",
           "ssm:segment_bits=4,enhanced=1,width=6",
           "ssm:segment_bits=7,width=12",
           "ssm:segment_bits=8,enhanced=1,width=16",
           "mitchell:width=4",
           "mitchell:width=5",
           "mitchell:width=10",
           "mitchell:width=16",
           "ilm:corrections=1,width=5",
           "ilm:corrections=2,width=12",
           "ilm:corrections=0,width=16",
           "mbm:width=4",
           "mbm:width=5",
           "mbm:width=7",
           "mbm:width=10",
           "mbm:width=16",
           "roba:width=4",
           "roba:width=7",
           "roba:width=12",
           "roba:width=16",
           "tosam:h=1,t=3,width=4",
           "tosam:h=2,width=6",
           "tosam:h=3,t=7,width=12",
           "tosam:h=5,t=9,width=16",
           "compressor:kind=1,width=4",
           "compressor:kind=2,width=5",
           "compressor:kind=1,columns=6,width=7",
           "compressor:kind=2,columns=12,width=10",
           "compressor:kind=1,width=16",
           "ptm:columns=4,width=5",
           "ptm:columns=10,width=12",
           "ptm:columns=30,width=16",
       }) {
    add_both(spec, &all);
  }
  return all;
}

/// What is synthesised: every family at its default, and values that change the structure.
inline Configurations configurations_netlist() {
  Configurations all;
  for (const synth::MultiplierFamily& family : synth::multiplier_families()) {
    add_both(family.name, &all);
  }
  for (const char* spec :
       {"perforation:first=3,rows=4", "bam:hbl=2,vbl=5", "broken_booth:vbl=6,type=1",
        "broken_booth:vbl=13,type=0", "loa:or_bits=10", "ssm:segment_bits=4,enhanced=1",
        "ssm:segment_bits=7", "ilm:corrections=2", "tosam:h=0,t=3", "tosam:h=3,t=7",
        "compressor:kind=2", "compressor:kind=1,columns=15", "ptm:columns=11"}) {
    add_both(spec, &all);
  }
  return all;
}

}  // namespace lutra::test

#endif  // LUTRA_TESTS_MULTIPLIERS_CONFIGURATIONS_H_
