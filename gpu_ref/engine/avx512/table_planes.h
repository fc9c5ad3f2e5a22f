#ifndef LUTRA_ENGINE_AVX512_TABLE_PLANES_H_
#define LUTRA_ENGINE_AVX512_TABLE_PLANES_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

namespace lutra::engine {

/// A table as byte planes. For each value of one operand, the low bytes of its 256 products, in the
/// order of the other operand's byte, and their high bytes plus 128, so that both are summed as
/// unsigned.
struct TablePlanes {
  struct alignas(64) Row {
    uint8_t low[256];
    uint8_t high[256];
  };
  std::vector<int16_t> table;  ///< the table that these planes are of
  std::vector<Row> by_first;   ///< [256]
  std::vector<Row> by_second;  ///< [256]

  explicit TablePlanes(const int16_t* source)
      : table(source, source + 65536), by_first(256), by_second(256) {
    for (int a = 0; a < 256; ++a) {
      for (int b = 0; b < 256; ++b) {
        const auto product = static_cast<uint16_t>(table[a << 8 | b]);
        const auto low = static_cast<uint8_t>(product);
        const auto high = static_cast<uint8_t>((product >> 8) + 128);
        by_first[a].low[b] = by_second[b].low[a] = low;
        by_first[a].high[b] = by_second[b].high[a] = high;
      }
    }
  }
};

/// The planes of the tables in use, found by the tables' contents.
class PlanesCache {
 public:
  std::shared_ptr<const TablePlanes> find(const int16_t* table) {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto found = std::find_if(entries_.begin(), entries_.end(), [table](const auto& planes) {
      return std::memcmp(planes->table.data(), table, sizeof(int16_t) * 65536) == 0;
    });
    if (found == entries_.end()) {
      if (entries_.size() == kMost) entries_.pop_back();
      found = entries_.insert(entries_.end(), std::make_shared<const TablePlanes>(table));
    }
    std::rotate(entries_.begin(), found, found + 1);
    return entries_.front();
  }

 private:
  static constexpr size_t kMost = 16;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const TablePlanes>> entries_;  // latest first
};

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_AVX512_TABLE_PLANES_H_
