#ifndef LUTRA_TABLES_PRODUCT_TABLE_H_
#define LUTRA_TABLES_PRODUCT_TABLE_H_

#include <cstdint>
#include <vector>

namespace lutra::tables {

/// The integers that an operand of a multiplier can be.
struct OperandType {
  int width = 8;          ///< bits, 2..8
  bool is_signed = true;  ///< two's complement

  int lowest() const { return is_signed ? -(1 << (width - 1)) : 0; }
  int highest() const { return lowest() + (1 << width) - 1; }
  bool holds(int value) const { return value >= lowest() && value <= highest(); }
};
inline bool operator==(const OperandType& a, const OperandType& b) {
  return a.width == b.width && a.is_signed == b.is_signed;
}

/// All products L(a, b) of a multiplier whose operands fit a byte. It need not commute, and L(0, b)
/// need not be 0.
///
/// Operands are bytes: unsigned ones as they are, signed ones in two's complement, sign-extended to
/// 8 bits where they are narrower.
class ProductTable {
 public:
  /// @param products  [2^first.width][2^second.width] by the operands' bit patterns, first operand
  ///                  outer; they must lie in [-32768, 65535] and span less than 2^16
  /// @throws Error kInvalidArgument with what was found and what is allowed
  ProductTable(OperandType first, OperandType second, const std::vector<int32_t>& products);

  /// The table of a signed 8x8 component: int16 [256][256], as its lut.npy.
  explicit ProductTable(const std::vector<int16_t>& signed_products);

  /// a * b.
  static ProductTable exact(OperandType first = {}, OperandType second = {});

  const OperandType& first() const { return first_; }
  const OperandType& second() const { return second_; }

  /// L(a, b) of two bytes that are operands; of other bytes the smallest product.
  int32_t operator()(uint8_t a, uint8_t b) const { return base_ + offsets_[a << 8 | b]; }

  /// The smallest product; offsets() are from it.
  int32_t base() const { return base_; }
  /// [256][256] products less base(), first operand outer.
  const uint16_t* offsets() const { return offsets_.data(); }

  int32_t largest() const { return largest_; }
  /// The largest |product|.
  int32_t largest_magnitude() const { return largest_ > -base_ ? largest_ : -base_; }

  bool operator==(const ProductTable& other) const {
    return first_ == other.first_ && second_ == other.second_ && base_ == other.base_ &&
           offsets_ == other.offsets_;
  }

 private:
  OperandType first_;
  OperandType second_;
  int32_t base_ = 0;
  int32_t largest_ = 0;
  std::vector<uint16_t> offsets_;
};

}  // namespace lutra::tables

#endif  // LUTRA_TABLES_PRODUCT_TABLE_H_
