#ifndef LUTRA_ENGINE_MULTIPLIER_H_
#define LUTRA_ENGINE_MULTIPLIER_H_

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <typeindex>

#include "lutra/numerics/hd.h"
#include "lutra/tables/factorisation.h"
#include "lutra/tables/product_table.h"

namespace lutra::engine {

class Multiplier;

/// Products as an operation's arguments hold them, on host and device.
struct Products {
  const uint16_t* offsets;       ///< [256][256] by the operands' bytes, first operand outer
  int32_t base;                  ///< what is added to them
  const Multiplier* multiplier;  ///< on the host: whose they are

  /// L(a, b) of docs/numerics.md, section 3.
  LUTRA_HD int32_t operator()(int8_t a, int8_t b) const {
    return base + offsets[static_cast<uint8_t>(a) << 8 | static_cast<uint8_t>(b)];
  }
};

/// A multiplier that the engine computes with: its table, and what the backends derive from it,
/// each made when it is first needed. May be used by several threads at once.
class Multiplier {
 public:
  explicit Multiplier(tables::ProductTable table) : table_(std::move(table)) {}
  Multiplier(const Multiplier&) = delete;
  Multiplier& operator=(const Multiplier&) = delete;

  const tables::ProductTable& table() const { return table_; }
  Products products() const { return {table_.offsets(), table_.base(), this}; }

  /// The table's exact factorisation; null where it would take more matrix products than are ever
  /// quicker than looking products up.
  /// @param operands  kSymmetric: one that need not hold for the lowest operands (-128), which may
  ///                  take fewer products
  const tables::Factorisation* factorisation(
      tables::Operands operands = tables::Operands::kAll) const {
    const auto& found = operands == tables::Operands::kAll ? derived<Factorised>().factorisation
                                                           : derived<Symmetric>().factorisation;
    return found ? &*found : nullptr;
  }

  /// The one T(const Multiplier&) of this multiplier.
  template <typename T>
  const T& derived() const {
    Slot* slot;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      slot = &slots_[std::type_index(typeid(T))];
    }
    std::call_once(slot->once, [&] { slot->value = std::make_shared<const T>(*this); });
    return *static_cast<const T*>(slot->value.get());
  }

 private:
  struct Slot {
    std::once_flag once;
    std::shared_ptr<const void> value;
  };
  struct Factorised {
    explicit Factorised(const Multiplier& multiplier)
        : factorisation(tables::factorise(multiplier.table())) {}
    std::optional<tables::Factorisation> factorisation;
  };
  struct Symmetric {
    explicit Symmetric(const Multiplier& multiplier)
        : factorisation(tables::factorise(multiplier.table(), 16, tables::Operands::kSymmetric)) {}
    std::optional<tables::Factorisation> factorisation;
  };

  tables::ProductTable table_;
  mutable std::mutex mutex_;
  mutable std::map<std::type_index, Slot> slots_;  // nodes stay where they are
};

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_MULTIPLIER_H_
