#include <vector>

#include "Vscratchpad.h"
#include "vectors.h"

namespace lutra::rtl_test {
namespace {

constexpr uint32_t kBytes = 1024;

// Reads and writes of every length at every alignment, both in one cycle, against an array of
// bytes.
TEST(ScratchpadTest, rtl_scratchpad_reads_and_writes_unaligned_vectors) {
  Vscratchpad model;
  Comparisons comparisons;
  std::mt19937 random(3);
  std::vector<int8_t> bytes(kBytes);
  model.rd_en_i = 0;
  model.rd_addr_i = 0;
  model.rd_len_i = 1;
  for (uint32_t address = 0; address < kBytes; address += 16) {
    for (int b = 0; b < 16; ++b) bytes[address + b] = legal_element(random);
    model.wr_en_i = 1;
    model.wr_addr_i = address;
    model.wr_len_i = 16;
    put_bytes(model.wr_data_i, &bytes[address], 16);
    cycle(model);
  }
  for (int i = 0; i < 60000; ++i) {
    const int write_length = 1 + static_cast<int>(random() % 16);
    const int read_length = 1 + static_cast<int>(random() % 16);
    const uint32_t write_at = random() % (kBytes - write_length + 1);
    // Often near the write, so that the two ports meet.
    const uint32_t read_at =
        random() % 2 ? random() % (kBytes - read_length + 1)
                     : std::min<uint32_t>(write_at + random() % 16, kBytes - read_length);
    int8_t data[16];
    for (int8_t& d : data) d = legal_element(random);
    model.rd_en_i = 1;
    model.rd_addr_i = read_at;
    model.rd_len_i = read_length;
    model.wr_en_i = random() % 4 != 0;
    model.wr_addr_i = write_at;
    model.wr_len_i = write_length;
    put_bytes(model.wr_data_i, data, 16);
    cycle(model);
    EXPECT_FALSE(model.rd_error_o || model.wr_error_o);
    const auto* got = reinterpret_cast<const int8_t*>(&model.rd_data_o[0]);
    for (int b = 0; b < read_length; ++b) {
      comparisons.check(bytes[read_at + b], got[b],
                        [&] { return "read at " + std::to_string(read_at + b); });
    }
    if (model.wr_en_i) std::copy(data, data + write_length, &bytes[write_at]);
  }
}

TEST(ScratchpadTest, rtl_scratchpad_holds_its_output_until_the_next_read) {
  Vscratchpad model;
  const int8_t first[16] = {1, 2, 3, 4, 5}, second[16] = {9, 9, 9, 9, 9};
  model.rd_en_i = 0;
  model.rd_addr_i = 0;
  model.rd_len_i = 1;
  model.wr_en_i = 1;
  model.wr_addr_i = 33;
  model.wr_len_i = 5;
  put_bytes(model.wr_data_i, first, 16);
  cycle(model);
  model.wr_en_i = 0;
  model.rd_en_i = 1;
  model.rd_addr_i = 33;
  model.rd_len_i = 5;
  cycle(model);
  model.rd_en_i = 0;
  model.rd_addr_i = 64;
  model.wr_en_i = 1;
  put_bytes(model.wr_data_i, second, 16);
  for (int i = 0; i < 3; ++i) cycle(model);
  EXPECT_EQ(0, std::memcmp(&model.rd_data_o[0], first, 5));
}

// An access with one byte outside is refused as a whole, also where the address wraps.
TEST(ScratchpadTest, rtl_scratchpad_refuses_accesses_outside_bad) {
  Vscratchpad model;
  Comparisons comparisons;
  const int8_t data[16] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
  for (uint64_t at : {uint64_t{0}, uint64_t{kBytes - 17}, uint64_t{kBytes - 16},
                      uint64_t{kBytes - 15}, uint64_t{kBytes - 1}, uint64_t{kBytes},
                      uint64_t{0x80000000}, uint64_t{0xFFFFFFF8}, uint64_t{0xFFFFFFFF}}) {
    for (int length = 1; length <= 16; ++length) {
      const bool outside = at + length > kBytes;
      model.rd_en_i = model.wr_en_i = 1;
      model.rd_addr_i = model.wr_addr_i = static_cast<uint32_t>(at);
      model.rd_len_i = model.wr_len_i = length;
      put_bytes(model.wr_data_i, data, 16);
      model.eval();
      const auto describe = [&] {
        return "address " + std::to_string(at) + " length " + std::to_string(length);
      };
      comparisons.check(outside, model.rd_error_o, describe);
      comparisons.check(outside, model.wr_error_o, describe);
      model.rd_en_i = model.wr_en_i = 0;
      model.eval();
      comparisons.check(0, model.rd_error_o || model.wr_error_o, describe);
    }
  }
}

}  // namespace
}  // namespace lutra::rtl_test
