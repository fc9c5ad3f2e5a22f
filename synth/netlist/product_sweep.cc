#include "lutra/netlist/product_sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "lutra/base/error.h"
#include "lutra/netlist/netlist_simulator.h"

namespace lutra::synth {
namespace {

/// Lanes of a bit of the lane number: pattern i has lane l set where bit i of l is set.
std::uint64_t lane_pattern(int bit, int word) {
  static constexpr std::uint64_t kWithin[6] = {0xaaaaaaaaaaaaaaaaULL, 0xccccccccccccccccULL,
                                               0xf0f0f0f0f0f0f0f0ULL, 0xff00ff00ff00ff00ULL,
                                               0xffff0000ffff0000ULL, 0xffffffff00000000ULL};
  if (bit < 6) return kWithin[bit];
  return (word >> (bit - 6) & 1) != 0 ? ~0ULL : 0;
}

/// The order with operations of one table brought together: of those that could run now and stand
/// within a window behind the first that has not run, the next is one of the last one's table if
/// there is any. Few changes of the table mean few indirect jumps; a short window, few live nets.
std::vector<int> grouped(const BitProgram& program, const std::vector<int>& order, int slots) {
  constexpr std::size_t kWindow = 96;
  std::vector<char> done_operation(program.size(), 0);
  std::vector<char> made(slots, 0);   // by an operation of the program
  std::vector<char> known(slots, 1);  // its value is there
  for (const BitOperation& o : program) made[o.target] = 1;
  for (int slot = 0; slot < slots; ++slot) known[slot] = !made[slot];
  const auto ready = [&](int i) {
    const BitOperation& o = program[i];
    return known[o.a] && known[o.b] && known[o.c];
  };
  std::vector<int> result;
  std::size_t first = 0;
  int table = -1;
  while (result.size() < order.size()) {
    while (done_operation[order[first]]) ++first;
    int chosen = order[first];  // an order that respects dependences: the first is always ready
    for (std::size_t i = first; i < std::min(order.size(), first + kWindow); ++i) {
      if (!done_operation[order[i]] && program[order[i]].table == table && ready(order[i])) {
        chosen = order[i];
        break;
      }
    }
    done_operation[chosen] = 1;
    known[program[chosen].target] = 1;
    table = program[chosen].table;
    result.push_back(chosen);
  }
  return result;
}

}  // namespace

ProductSweep::ProductSweep(const Netlist& netlist, const std::array<std::string, 3>& ports,
                           const std::vector<HeldPort>& held, SimdLevel level)
    : level_(level), net_count_(netlist.net_count()) {
  const NetlistPort& a = netlist.port(ports[0]);
  const NetlistPort& b = netlist.port(ports[1]);
  const NetlistPort& p = netlist.port(ports[2]);
  widths_ = {a.width(), b.width()};
  if (a.width() < 2 || a.width() > 16 || b.width() < 2 || b.width() > 16 || p.width() > 32) {
    throw Error(ErrorKind::kUnimplemented,
                fmt::format("{}: widths {} x {} -> {}, expected two operands of 2..16 bits, and a "
                            "product of at most 32",
                            netlist.name(), a.width(), b.width(), p.width()));
  }
  if (netlist.is_sequential()) {
    throw Error(
        ErrorKind::kUnimplemented,
        fmt::format("{}: holds flip-flops, expected a combinational netlist", netlist.name()));
  }

  // The simulator's program has a slot a net. Order it depth first from the products, so that few
  // nets are alive at a time, and give slots out again when their net is dead.
  const NetlistSimulator simulator(netlist);
  const BitProgram& levelised = simulator.combinational();
  const int old_slots = simulator.slot_count();
  std::vector<int> producer(old_slots, -1);
  for (std::size_t i = 0; i < levelised.size(); ++i) {
    producer[levelised[i].target] = static_cast<int>(i);
  }
  std::vector<char> placed(levelised.size(), 0);
  std::vector<int> order;
  const auto place = [&](int slot) {
    // An explicit stack: chains may be long.
    std::vector<std::pair<int, int>> stack = {{producer[slot], 0}};
    while (!stack.empty()) {
      auto& [operation, next] = stack.back();
      if (operation < 0 || placed[operation]) {
        stack.pop_back();
      } else if (next < 3) {
        const BitOperation& o = levelised[operation];
        const int operand = next == 0 ? o.a : next == 1 ? o.b : o.c;
        ++next;
        stack.emplace_back(producer[operand], 0);
      } else {
        placed[operation] = 1;
        order.push_back(operation);
        stack.pop_back();
      }
    }
  };
  for (const int net : p.nets) place(net);
  for (const BitOperation& o : levelised) place(o.target);  // nets that no output needs
  order = grouped(levelised, order, old_slots);

  std::vector<int> last_use(old_slots, -1);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const BitOperation& o = levelised[order[i]];
    for (const int operand : {o.a, o.b, o.c}) last_use[operand] = static_cast<int>(i);
  }
  for (const int net : p.nets) last_use[net] = static_cast<int>(order.size());
  std::vector<int> slot_of(old_slots, -1);
  const auto keep = [&](const std::vector<int>& nets, std::vector<int>* slots) {
    for (const int net : nets) {
      if (slot_of[net] < 0) slot_of[net] = slot_count_++;
      last_use[net] = static_cast<int>(order.size());
      slots->push_back(slot_of[net]);
    }
  };
  keep({Netlist::kZero}, &zero_slots_);
  keep({Netlist::kOne}, &one_slots_);
  keep(a.nets, &a_slots_);
  keep(b.nets, &b_slots_);
  for (const HeldPort& input : held) {
    const NetlistPort& port = netlist.port(input.name);
    for (int i = 0; i < port.width(); ++i) {
      keep({port.nets[i]}, (input.value >> i & 1) != 0 ? &one_slots_ : &zero_slots_);
    }
  }
  std::vector<int> free;
  program_.reserve(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    BitOperation o = levelised[order[i]];
    net_of_operation_.push_back(o.target < net_count_ ? o.target : -1);
    std::vector<int> dead;
    for (int* operand : {&o.a, &o.b, &o.c}) {
      const int old = *operand;
      if (slot_of[old] < 0) {
        throw Error(ErrorKind::kInternal,
                    fmt::format("{}: net {} is read before it is known", netlist.name(), old));
      }
      *operand = slot_of[old];
      if (last_use[old] == static_cast<int>(i) &&
          std::find(dead.begin(), dead.end(), slot_of[old]) == dead.end()) {
        dead.push_back(slot_of[old]);
      }
    }
    // The target may take the slot of an operand that dies here: it is read before it is written.
    free.insert(free.end(), dead.begin(), dead.end());
    int& slot = slot_of[o.target];
    if (free.empty()) {
      slot = slot_count_++;
    } else {
      slot = free.back();
      free.pop_back();
    }
    if (last_use[o.target] < 0) free.push_back(slot);  // read by nobody
    o.target = slot;
    program_.push_back(o);
  }
  for (const int net : p.nets) p_slots_.push_back(slot_of[net]);
}

ProductSweep::Pass::Pass(const ProductSweep& sweep, bool count_ones, bool commuting)
    : sweep_(sweep),
      commuting_(commuting && sweep.widths_.equal()),
      slots_(static_cast<std::size_t>(sweep.slot_count_) * kBlocks),
      products_(sweep.p_slots_.size() * kBlocks),
      swapped_(sweep.p_slots_.size() * kBlocks),
      ones_(count_ones ? sweep.program_.size() : 0) {
  for (const int slot : sweep.one_slots_) {
    for (int k = 0; k < kBlocks; ++k) slots_[slot * kBlocks + k].words.fill(~0ULL);
  }
}

/// The pair numbers of a group into the slots of the operands; bits that stand there already stay.
void ProductSweep::Pass::set_operands(std::uint64_t first, bool swapped) {
  const bool same_order = operands_set_ && swapped == operands_swapped_;
  const int low_bits = sweep_.widths_.b;  // swapped only where both have as many
  for (int bit = 0; bit < sweep_.widths_.product(); ++bit) {
    const bool high = bit >= low_bits;
    const int slot =
        (high != swapped ? sweep_.a_slots_ : sweep_.b_slots_)[high ? bit - low_bits : bit];
    if (same_order && (bit < kGroupBits || ((first ^ operands_first_) >> bit & 1) == 0)) continue;
    for (int word = 0; word < kBlocks * LaneBlock::kWords; ++word) {
      slots_[slot * kBlocks + word / LaneBlock::kWords].words[word % LaneBlock::kWords] =
          bit < kGroupBits          ? lane_pattern(bit, word)
          : (first >> bit & 1) != 0 ? ~0ULL
                                    : 0;
    }
  }
  operands_set_ = true;
  operands_swapped_ = swapped;
  operands_first_ = first;
}

void ProductSweep::Pass::simulate(std::uint64_t first, bool swapped) {
  set_operands(first, swapped);
  run_program<kBlocks>(sweep_.level_, sweep_.program_, slots_.data(),
                       ones_.empty() || swapped ? nullptr : ones_.data());
}

void ProductSweep::Pass::keep_products(std::vector<LaneBlock>* products) const {
  for (std::size_t i = 0; i < sweep_.p_slots_.size(); ++i) {
    std::copy_n(&slots_[sweep_.p_slots_[i] * kBlocks], kBlocks, &(*products)[i * kBlocks]);
  }
}

void ProductSweep::Pass::run(std::uint64_t first, std::uint64_t count,
                             const std::function<void(const ProductBlock&)>& sink) {
  alignas(64) std::uint32_t rows[32][16];
  const std::size_t bits = sweep_.p_slots_.size();
  for (std::uint64_t at = first; at < first + count; at += kGroup) {
    simulate(at, false);
    keep_products(&products_);
    for (int k = 0; k < kBlocks && at + k * LaneBlock::kLanes < first + count; ++k) {
      for (std::size_t i = 0; i < bits; ++i) {
        std::memcpy(rows[i], &products_[i * kBlocks + k], sizeof(LaneBlock));
      }
      std::fill(&rows[0][0] + 16 * bits, &rows[0][0] + 16 * 32, 0u);
      transpose_planes(sweep_.level_, rows);
      ProductBlock block;
      block.first = at + k * LaneBlock::kLanes;
      block.count =
          static_cast<int>(std::min<std::uint64_t>(LaneBlock::kLanes, first + count - block.first));
      block.products = rows;
      sink(block);
    }
    if (commuting_) compare_swapped(at, std::min(at + kGroup, first + count) - 1);
  }
}

void ProductSweep::Pass::compare_swapped(std::uint64_t first, std::uint64_t last) {
  const std::uint64_t mask = (std::uint64_t{1} << sweep_.widths_.b) - 1;
  // Every pair with b > a stands for itself and its mirror image: some groups hold none.
  const std::uint64_t row = first >> sweep_.widths_.b;
  if (row == last >> sweep_.widths_.b && (last & mask) <= row) return;
  simulate(first, true);
  keep_products(&swapped_);
  for (int word = 0; word < kBlocks * LaneBlock::kWords; ++word) {
    const int k = word / LaneBlock::kWords;
    const int w = word % LaneBlock::kWords;
    std::uint64_t different = 0;
    for (std::size_t i = 0; i < sweep_.p_slots_.size(); ++i) {
      different |= products_[i * kBlocks + k].words[w] ^ swapped_[i * kBlocks + k].words[w];
    }
    for (; different != 0; different &= different - 1) {
      const std::uint64_t pair = first + 64 * word + __builtin_ctzll(different);
      noncommuting_ += pair <= last && (pair & mask) > (pair >> sweep_.widths_.b);
    }
  }
}

std::vector<std::uint64_t> ProductSweep::Pass::ones() const {
  if (ones_.empty()) return {};
  // Fewer pairs than lanes stand in the lanes several times.
  const std::uint64_t copies = std::max<std::uint64_t>(1, kGroup / sweep_.pairs());
  std::vector<std::uint64_t> counts(sweep_.net_count_, 0);
  for (std::size_t i = 0; i < ones_.size(); ++i) {
    if (sweep_.net_of_operation_[i] < 0) continue;
    std::uint64_t sum = 0;
    for (const std::uint64_t part : ones_[i].words) sum += part;
    counts[sweep_.net_of_operation_[i]] = sum / copies;
  }
  return counts;
}

}  // namespace lutra::synth
