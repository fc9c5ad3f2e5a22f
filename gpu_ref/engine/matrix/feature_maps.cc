#include "matrix/feature_maps.h"

#include <algorithm>

namespace lutra::engine {

namespace {

/// Of all operands, and of all but the lowest.
struct AllFeatures : FeatureMaps {
  explicit AllFeatures(const Multiplier& multiplier)
      : FeatureMaps(multiplier, tables::Operands::kAll) {}
};
struct SymmetricFeatures : FeatureMaps {
  explicit SymmetricFeatures(const Multiplier& multiplier)
      : FeatureMaps(multiplier, tables::Operands::kSymmetric) {}
};

}  // namespace

const FeatureMaps* FeatureMaps::find(const Multiplier& multiplier, const OperandTensors& operands) {
  if (fewest_terms(multiplier, operands) == tables::Operands::kSymmetric) {
    const FeatureMaps& symmetric = multiplier.derived<SymmetricFeatures>();
    if (symmetric.usable) return &symmetric;
  }
  const FeatureMaps& all = multiplier.derived<AllFeatures>();
  return all.usable ? &all : nullptr;
}

FeatureMaps::FeatureMaps(const Multiplier& multiplier, tables::Operands operands) {
  const tables::Factorisation* exact = multiplier.factorisation(operands);
  if (exact == nullptr) return;
  const auto [row_least, row_most] = std::minmax_element(exact->row.begin(), exact->row.end());
  if (int64_t{*row_most} - *row_least > UINT16_MAX) return;
  row_low = *row_least;
  has_rows = *row_most != *row_least;
  for (int a = 0; a < 256; ++a) {
    const auto above = static_cast<uint32_t>(exact->row[a] - row_low);
    row[0][a] = static_cast<uint8_t>(above);
    row[1][a] = static_cast<uint8_t>(above >> 8);
  }
  column = exact->column;
  for (const tables::Term& from : exact->terms) {
    const auto [u_least, u_most] = std::minmax_element(from.u.begin(), from.u.end());
    const auto [v_least, v_most] = std::minmax_element(from.v.begin(), from.v.end());
    if (*u_most - *u_least > UINT8_MAX || *v_least < INT8_MIN || *v_most > INT8_MAX) return;
    Term term;
    term.scale = from.scale;
    for (int i = 0; i < 256; ++i) {
      term.u[i] = static_cast<uint8_t>(from.u[i] - *u_least);
      term.v[i] = static_cast<int8_t>(from.v[i]);
      column[i] += from.scale * *u_least * from.v[i];
    }
    terms.push_back(term);
  }
  std::stable_sort(terms.begin(), terms.end(),
                   [](const Term& a, const Term& b) { return a.scale < b.scale; });
  usable = true;
}

}  // namespace lutra::engine
