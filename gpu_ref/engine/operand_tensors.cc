#include "operand_tensors.h"

#include <cstring>

namespace lutra::engine {
namespace {

bool holds_lowest(const int8_t* tensor, int64_t count, const tables::OperandType& type) {
  if (!type.is_signed || tensor == nullptr) return false;
  return std::memchr(tensor, type.lowest() & 255, static_cast<size_t>(count)) != nullptr;
}

}  // namespace

tables::Operands fewest_terms(const Multiplier& multiplier, const OperandTensors& operands) {
  const auto* all = multiplier.factorisation(tables::Operands::kAll);
  const auto* symmetric = multiplier.factorisation(tables::Operands::kSymmetric);
  const bool fewer =
      symmetric != nullptr && (all == nullptr || symmetric->terms.size() < all->terms.size());
  const tables::OperandType& first = multiplier.table().first();
  const bool serves =
      fewer && !holds_lowest(operands.first, operands.first_count, first) &&
      !holds_lowest(operands.padding, 1, first) &&
      !holds_lowest(operands.second, operands.second_count, multiplier.table().second());
  return serves ? tables::Operands::kSymmetric : tables::Operands::kAll;
}

}  // namespace lutra::engine
