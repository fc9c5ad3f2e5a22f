#include <fmt/format.h>

#include <algorithm>

#include "lutra/accelerator/program.h"
#include "lutra/base/error.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/network.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/graph/step_operations.h"
#include "lutra/graph/steps.h"

namespace lutra::accelerator {
namespace {

constexpr int kVector = 16;    // bytes of a scratchpad vector and of a memory beat
constexpr int kBiasTile = 64;  // bytes that hold the biases of one column tile
constexpr uint32_t kMaxStride = 0xffff;

uint32_t round_up(int64_t bytes) {
  return static_cast<uint32_t>((bytes + kVector - 1) / kVector * kVector);
}

/// Largest divisor of n that is at most limit: tiles are all of one size, so that one instruction
/// covers them.
int tile(int n, int limit) {
  int t = std::min(n, limit);
  while (n % t != 0) --t;
  return t;
}

/// First-fit allocation of scratchpad regions, in vectors of 16 bytes.
class Scratchpad {
 public:
  explicit Scratchpad(uint32_t bytes) : bytes_(bytes) {}

  /// @return the address, or bytes() when there is no room
  uint32_t allocate(uint32_t size) {
    uint32_t address = 0;
    for (const auto& [start, length] : used_) {
      if (start - address >= size) break;
      address = start + length;
    }
    if (address + size > bytes_) return bytes_;
    used_[address] = size;
    return address;
  }

  void release(uint32_t address) { used_.erase(address); }

  uint32_t largest_gap() const {
    uint32_t largest = 0;
    uint32_t address = 0;
    for (const auto& [start, length] : used_) {
      largest = std::max(largest, start - address);
      address = start + length;
    }
    return std::max(largest, bytes_ - address);
  }

  uint32_t bytes() const { return bytes_; }

 private:
  uint32_t bytes_;
  std::map<uint32_t, uint32_t> used_;  // address -> size
};

/// The operands of MATMUL by name; pack() puts them into words.
struct Matmul {
  bool bias = false, relu = false, accumulate = false;
  int shift = 0, select = 0, rows = 1, cols = 1;
  uint32_t act = 0, held = 0, out = 0, bias_address = 0;
  uint32_t m0 = 1, m1 = 1, k0 = 1, k1 = 1, g0 = 1, g1 = 1;
  uint32_t act_m0 = 0, act_m1 = 0, out_m0 = 0, out_m1 = 0, act_k0 = 0, act_k1 = 0;
  uint32_t held_tap = 0, held_row = 0;
  uint32_t act_g0 = 0, act_g1 = 0, held_g0 = 0, held_g1 = 0, out_g0 = 0, out_g1 = 0;

  Instruction pack(const std::string& step) const {
    const auto pair = [&](uint32_t low, uint32_t high) {
      if (low > kMaxStride || high > kMaxStride) {
        throw Error(ErrorKind::kUnimplemented,
                    fmt::format("{}: a count or stride of {} does not fit into 16 bits", step,
                                std::max(low, high)));
      }
      return low | high << 16;
    };
    Instruction i{};
    i[0] = static_cast<uint32_t>(Opcode::kMatmul);
    i[1] = uint32_t{bias} | uint32_t{relu} << 1 | uint32_t{accumulate} << 2 |
           static_cast<uint32_t>(shift) << 8 | static_cast<uint32_t>(select) << 16 |
           static_cast<uint32_t>(rows) << 20 | static_cast<uint32_t>(cols) << 25;
    i[2] = act;
    i[3] = held;
    i[4] = out;
    i[5] = bias_address;
    i[6] = pair(m0, m1);
    i[7] = pair(act_m0, act_m1);
    i[8] = pair(out_m0, out_m1);
    i[9] = pair(k0, k1);
    i[10] = pair(act_k0, act_k1);
    i[11] = pair(held_tap, held_row);
    i[12] = pair(g0, g1);
    i[13] = pair(act_g0, act_g1);
    i[14] = pair(held_g0, held_g1);
    i[15] = pair(out_g0, out_g1);
    return i;
  }
};

class Compiler {
 public:
  Compiler(const graph::QuantisedNetwork& network, const AcceleratorShape& shape,
           const graph::Assignment& assignment, bool trace)
      : network_(network),
        list_(graph::lower(network)),
        shape_(shape),
        scratch_(static_cast<uint32_t>(shape.scratch_bytes)),
        assignment_(assignment),
        trace_(trace) {
    for (size_t s = 0; s < list_.steps.size(); ++s) {
      for (const std::string& input : list_.steps[s].inputs) last_use_[list_.place_of(input)] = s;
      last_use_[list_.place_of(list_.steps[s].output)] =
          std::max(last_use_[list_.place_of(list_.steps[s].output)], s);
    }
  }

  Program run() {
    const graph::TensorInfo& input = list_.tensors.at(list_.input);
    program_.input_bytes = round_up(input.size());
    begin(list_.input);
    load(Base::kInput, 0, place(list_.input, {}, input.size()), program_.input_bytes);
    for (size_t s = 0; s < list_.steps.size(); ++s) {
      const graph::Step& step = list_.steps[s];
      begin(step.name);
      compile(step);
      if (trace_) store_trace(step);
      for (auto place = places_.begin(); place != places_.end();) {
        if (last_use_[place->first] <= s) {
          scratch_.release(place->second.address);
          place = places_.erase(place);
        } else {
          ++place;
        }
      }
    }
    begin("end");
    Instruction end{};
    emit(end);
    return std::move(program_);
  }

 private:
  struct Place {
    uint32_t address;
    uint32_t bytes;
    std::vector<int> strides;
  };

  void compile(const graph::Step& step) {
    if (const auto* convolution = step.as<graph::ConvolutionStep>()) {
      conv2d(step, *convolution);
    } else if (const auto* squashed = step.as<graph::SquashStep>()) {
      squash(step, *squashed);
    } else if (const auto* votes_step = step.as<graph::VotesStep>()) {
      votes(step, *votes_step);
    } else if (const auto* softmax_step = step.as<graph::SoftmaxStep>()) {
      softmax(step, softmax_step->sizes);
    } else if (const auto* sum = step.as<graph::WeightedSumStep>()) {
      weighted_sum(step, sum->sizes);
    } else if (const auto* agreement_step = step.as<graph::AgreementStep>()) {
      agreement(step, agreement_step->sizes);
    } else if (const auto* classify_step = step.as<graph::ClassifyStep>()) {
      classify(step, *classify_step);
    } else {
      throw Error(ErrorKind::kUnimplemented,
                  fmt::format("{}: {}: the accelerator has no such operation; it has convolution, "
                              "squash, votes, routing and classify",
                              step.name, step.operation->kind()));
    }
  }

  void begin(const std::string& step) {
    step_ = step;
    program_.step_of_tag.push_back(step);
  }

  void emit(Instruction instruction, bool trace = false) {
    instruction[0] |= uint32_t{trace} << 8 | static_cast<uint32_t>(program_.step_of_tag.size() - 1)
                                                 << 16;
    program_.instructions.push_back(instruction);
  }

  uint32_t allocate(int64_t bytes) {
    const uint32_t address = scratch_.allocate(round_up(bytes));
    if (address == scratch_.bytes()) {
      throw Error(ErrorKind::kUnimplemented,
                  fmt::format("{}: {} bytes do not fit into what is free of the {} byte scratchpad "
                              "(at most {})",
                              step_, round_up(bytes), scratch_.bytes(), scratch_.largest_gap()));
    }
    return address;
  }

  /// Gives a tensor its buffer; dense where no strides are given.
  uint32_t place(const std::string& tensor, std::vector<int> strides, int64_t bytes) {
    if (strides.empty()) {
      const auto& shape = list_.tensors.at(tensor).shape;
      strides.assign(shape.size(), 1);
      for (size_t d = shape.size() - 1; d > 0; --d) strides[d - 1] = strides[d] * shape[d];
    }
    const std::string buffer = list_.place_of(tensor);
    if (places_.count(buffer) == 0) places_[buffer] = {allocate(bytes), round_up(bytes), strides};
    return places_.at(buffer).address;
  }

  uint32_t place_output(const graph::Step& step) {
    return place(step.output, {}, list_.tensors.at(step.output).size());
  }

  uint32_t address(const std::string& tensor) const {
    return places_.at(list_.place_of(tensor)).address;
  }

  int select(const graph::Step& step) const {
    return step.site == graph::Step::kNoSite ? 0
                                             : assignment_.number(static_cast<size_t>(step.site));
  }

  void transfer(Opcode opcode, Base base, uint32_t offset, uint32_t scratch, uint32_t bytes,
                bool trace) {
    Instruction i{};
    i[0] = static_cast<uint32_t>(opcode);
    i[1] = static_cast<uint32_t>(base);
    i[2] = offset;
    i[3] = scratch;
    i[4] = bytes;
    emit(i, trace);
  }

  void load(Base base, uint32_t offset, uint32_t scratch, uint32_t bytes) {
    transfer(Opcode::kLoad, base, offset, scratch, bytes, false);
  }

  /// Appends to the weight memory; the offset is a multiple of 16.
  uint32_t append_weights(const std::vector<uint8_t>& bytes) {
    const uint32_t offset = static_cast<uint32_t>(program_.weights.size());
    program_.weights.insert(program_.weights.end(), bytes.begin(), bytes.end());
    program_.weights.resize(round_up(static_cast<int64_t>(program_.weights.size())), 0);
    return offset;
  }

  Matmul matmul(const graph::Step& step) const {
    Matmul m;
    m.shift = step.shift;
    m.select = select(step);
    return m;
  }

  static void refuse_unfit(const graph::Step& step, const graph::ConvolutionStep& conv) {
    const auto refuse = [&](const char* what, int value, int only) {
      if (value == only) return;
      throw Error(ErrorKind::kUnimplemented,
                  fmt::format("{}: {} = {}, the accelerator's convolutions have {}", step.name,
                              what, value, only == 0 ? "none" : "1"));
    };
    for (const engine::Window& window : {conv.vertical, conv.horizontal}) {
      refuse("padding", std::max(window.pad_before, window.pad_after), 0);
      refuse("dilation", window.dilation, 1);
    }
    refuse("groups", conv.groups, 1);
  }

  /// Convolution: a kernel row is a run of consecutive bytes in input and weights alike; the run is
  /// cut into segments of R rows of the array, the output channels into tiles of N columns.
  void conv2d(const graph::Step& step, const graph::ConvolutionStep& conv) {
    refuse_unfit(step, conv);
    const int kernel_height = conv.vertical.kernel;
    const int run = conv.horizontal.kernel * conv.in_channels;
    const auto& in = list_.tensors.at(step.inputs[0]).shape;
    const auto& out = list_.tensors.at(step.output).shape;
    const int rows = tile(run, shape_.rows);
    const int cols = tile(conv.out_channels, shape_.cols);
    const int tiles = conv.out_channels / cols;
    const uint32_t tile_bytes = static_cast<uint32_t>(kernel_height) * run * cols;

    // Weights as the array takes them: [tile][kernel row][segment][row][column].
    const auto& weight = network_.weights.at(conv.node + ".weight");
    const auto& bias = network_.biases.at(conv.node + ".bias");
    std::vector<uint32_t> offsets;
    std::vector<uint8_t> biases;
    for (int t = 0; t < tiles; ++t) {
      std::vector<uint8_t> bytes;
      for (int ky = 0; ky < kernel_height; ++ky) {
        for (int r = 0; r < run; ++r) {
          for (int c = 0; c < cols; ++c) {
            const int o = t * cols + c;
            bytes.push_back(static_cast<uint8_t>(
                weight[(static_cast<size_t>(o) * kernel_height + ky) * run + r]));
          }
        }
      }
      offsets.push_back(append_weights(bytes));
      for (int c = 0; c < cols; ++c) {
        const uint32_t value = static_cast<uint32_t>(bias[t * cols + c]);
        for (int b = 0; b < 4; ++b) biases.push_back(static_cast<uint8_t>(value >> (8 * b)));
      }
      biases.resize(static_cast<size_t>(t + 1) * kBiasTile, 0);
    }
    const uint32_t bias_offset = append_weights(biases);

    const uint32_t target = place_output(step);
    const uint32_t bias_address = allocate(static_cast<int64_t>(biases.size()));
    load(Base::kWeights, bias_offset, bias_address, static_cast<uint32_t>(biases.size()));

    // As many column tiles at once as there is room for.
    const uint32_t stride = round_up(tile_bytes);
    const int room = static_cast<int>(scratch_.largest_gap() / stride);
    const int by_stride = stride > kMaxStride ? 1 : tiles;
    const int at_once = std::max(1, std::min({tiles, room, by_stride}));
    const uint32_t held = allocate(int64_t{stride} * at_once);
    const int rows_at_once = std::max(1, shape_.acc_depth / out[1]);
    if (out[1] > shape_.acc_depth) {
      throw Error(ErrorKind::kUnimplemented,
                  fmt::format("{}: rows of {} outputs, the accumulator holds {}", step.name, out[1],
                              shape_.acc_depth));
    }
    for (int t = 0; t < tiles; t += at_once) {
      const int count = std::min(at_once, tiles - t);
      load(Base::kWeights, offsets[t], held, stride * static_cast<uint32_t>(count));
      for (int y = 0; y < out[0]; y += rows_at_once) {
        Matmul m = matmul(step);
        m.bias = true;
        m.relu = conv.relu;
        m.rows = rows;
        m.cols = cols;
        const int line = in[1] * conv.in_channels;
        m.act = address(step.inputs[0]) + static_cast<uint32_t>(y * conv.vertical.stride * line);
        m.held = held;
        m.out = target + static_cast<uint32_t>(y * out[1] * conv.out_channels + t * cols);
        m.bias_address = bias_address + static_cast<uint32_t>(t * kBiasTile);
        m.m0 = static_cast<uint32_t>(out[1]);
        m.m1 = static_cast<uint32_t>(std::min(rows_at_once, out[0] - y));
        m.act_m0 = static_cast<uint32_t>(conv.horizontal.stride * conv.in_channels);
        m.act_m1 = static_cast<uint32_t>(conv.vertical.stride * line);
        m.out_m0 = static_cast<uint32_t>(conv.out_channels);
        m.out_m1 = static_cast<uint32_t>(out[1] * conv.out_channels);
        m.k0 = static_cast<uint32_t>(run / rows);
        m.k1 = static_cast<uint32_t>(kernel_height);
        m.act_k0 = static_cast<uint32_t>(rows);
        m.act_k1 = static_cast<uint32_t>(line);
        m.held_tap = static_cast<uint32_t>(rows * cols);
        m.held_row = static_cast<uint32_t>(cols);
        m.g0 = static_cast<uint32_t>(count);
        m.held_g0 = count > 1 ? stride : 0;
        m.out_g0 = count > 1 ? static_cast<uint32_t>(cols) : 0;
        emit(m.pack(step.name));
      }
    }
    scratch_.release(held);
    scratch_.release(bias_address);
  }

  /// Votes: one output row a group, groups over (capsule, class tile); weights stream through the
  /// scratchpad, a piece of the capsules at a time.
  void votes(const graph::Step& step, const graph::VotesStep& votes) {
    const graph::VoteSizes& v = votes.sizes;
    const int in_dim = votes.in_dim;
    const int rows = tile(in_dim, shape_.rows);
    const int cols = tile(v.dim, shape_.cols);
    const int tiles = v.dim / cols;
    const uint32_t capsule_bytes = static_cast<uint32_t>(v.classes) * in_dim * v.dim;

    const auto& weight = network_.weights.at(votes.node + ".weight");
    std::vector<uint8_t> bytes;
    for (int ij = 0; ij < v.capsules * v.classes; ++ij) {
      for (int t = 0; t < tiles; ++t) {
        for (int k = 0; k < in_dim; ++k) {
          for (int c = 0; c < cols; ++c) {
            bytes.push_back(static_cast<uint8_t>(
                weight[(static_cast<size_t>(ij) * in_dim + k) * v.dim + t * cols + c]));
          }
        }
      }
    }
    const uint32_t offset = append_weights(bytes);
    const uint32_t target = place_output(step);
    // Transfers move multiples of 16 bytes: so must a piece.
    int at_once = std::min(v.capsules, static_cast<int>(scratch_.largest_gap() / capsule_bytes));
    while (at_once > 1 && at_once * static_cast<int64_t>(capsule_bytes) % kVector != 0) --at_once;
    const uint32_t held = allocate(int64_t{capsule_bytes} * std::max(1, at_once));
    for (int i = 0; i < v.capsules; i += at_once) {
      const int count = std::min(at_once, v.capsules - i);
      load(Base::kWeights, offset + capsule_bytes * static_cast<uint32_t>(i), held,
           round_up(int64_t{capsule_bytes} * count));
      Matmul m = matmul(step);
      m.rows = rows;
      m.cols = cols;
      m.act = address(step.inputs[0]) + static_cast<uint32_t>(i * in_dim);
      m.held = held;
      m.out = target + static_cast<uint32_t>(i * v.classes * v.dim);
      m.k0 = static_cast<uint32_t>(in_dim / rows);
      m.act_k0 = static_cast<uint32_t>(rows);
      m.held_tap = static_cast<uint32_t>(rows * cols);
      m.held_row = static_cast<uint32_t>(cols);
      m.g0 = static_cast<uint32_t>(v.classes * tiles);
      m.g1 = static_cast<uint32_t>(count);
      m.act_g1 = static_cast<uint32_t>(in_dim);
      m.held_g0 = static_cast<uint32_t>(in_dim * cols);
      m.held_g1 = capsule_bytes;
      m.out_g0 = static_cast<uint32_t>(cols);
      m.out_g1 = static_cast<uint32_t>(v.classes * v.dim);
      emit(m.pack(step.name));
    }
    scratch_.release(held);
  }

  void squash(const graph::Step& step, const graph::SquashStep& squash) {
    Instruction i{};
    i[0] = static_cast<uint32_t>(Opcode::kSquash);
    i[1] = static_cast<uint32_t>(step.frac) | static_cast<uint32_t>(select(step)) << 16 |
           static_cast<uint32_t>(squash.dim) << 20;
    i[2] = address(step.inputs[0]);
    i[4] = place_output(step);
    i[6] = static_cast<uint32_t>(squash.capsules);
    i[7] = i[8] = static_cast<uint32_t>(squash.dim);
    emit(i);
  }

  /// Logits lie in rows of 16 bytes, one a capsule; coefficients in rows of capsules, one a class.
  void softmax(const graph::Step& step, const graph::VoteSizes& v) {
    if (places_.count(list_.place_of(step.inputs[0])) == 0) {
      const int64_t bytes = int64_t{v.capsules} * kVector;
      Instruction fill{};
      fill[0] = static_cast<uint32_t>(Opcode::kFill);
      fill[3] = place(step.inputs[0], {kVector, 1}, bytes);
      fill[4] = round_up(bytes);
      emit(fill);
    }
    Instruction i{};
    i[0] = static_cast<uint32_t>(Opcode::kSoftmax);
    i[1] = static_cast<uint32_t>(step.frac) | static_cast<uint32_t>(v.classes) << 20;
    i[2] = address(step.inputs[0]);
    i[4] = place_output(step);
    i[6] = static_cast<uint32_t>(v.capsules);
    i[7] = kVector;
    i[8] = 1u | static_cast<uint32_t>(v.capsules) << 16;
    emit(i);
  }

  /// The coefficients stream, the votes are held: groups over (class, column tile), taps over the
  /// capsules.
  void weighted_sum(const graph::Step& step, const graph::VoteSizes& v) {
    Matmul m = matmul(step);
    m.rows = tile(v.capsules, shape_.rows);
    m.cols = tile(v.dim, shape_.cols);
    m.act = address(step.inputs[0]);
    m.held = address(step.inputs[1]);
    m.out = place_output(step);
    const uint32_t vote_row = static_cast<uint32_t>(v.classes * v.dim);
    m.k0 = static_cast<uint32_t>(v.capsules / m.rows);
    m.act_k0 = static_cast<uint32_t>(m.rows);
    m.held_row = vote_row;
    m.held_tap = vote_row * static_cast<uint32_t>(m.rows);
    m.g0 = static_cast<uint32_t>(v.dim / m.cols);
    m.g1 = static_cast<uint32_t>(v.classes);
    m.act_g1 = static_cast<uint32_t>(v.capsules);
    m.held_g0 = m.out_g0 = static_cast<uint32_t>(m.cols);
    m.held_g1 = m.out_g1 = static_cast<uint32_t>(v.dim);
    emit(m.pack(step.name));
  }

  /// The votes stream, one class capsule is held in a single column: groups over classes.
  void agreement(const graph::Step& step, const graph::VoteSizes& v) {
    const uint32_t vote_row = static_cast<uint32_t>(v.classes * v.dim);
    for (int i = 0; i < v.capsules; i += shape_.acc_depth) {
      Matmul m = matmul(step);
      m.accumulate = true;
      m.rows = tile(v.dim, shape_.rows);
      m.cols = 1;
      m.act = address(step.inputs[0]) + static_cast<uint32_t>(i) * vote_row;
      m.held = address(step.inputs[1]);
      m.out = address(step.output) + static_cast<uint32_t>(i * kVector);
      m.m0 = static_cast<uint32_t>(std::min(shape_.acc_depth, v.capsules - i));
      m.act_m0 = vote_row;
      m.out_m0 = kVector;
      m.k0 = static_cast<uint32_t>(v.dim / m.rows);
      m.act_k0 = m.held_tap = static_cast<uint32_t>(m.rows);
      m.held_row = 1;
      m.g0 = static_cast<uint32_t>(v.classes);
      m.act_g0 = m.held_g0 = static_cast<uint32_t>(v.dim);
      m.out_g0 = 1;
      emit(m.pack(step.name));
    }
  }

  void classify(const graph::Step& step, const graph::ClassifyStep& classify) {
    const int classes = classify.classes;
    program_.output_bytes = kVector + round_up(4 * classes);
    Instruction i{};
    i[0] = static_cast<uint32_t>(Opcode::kClassify);
    i[1] = static_cast<uint32_t>(select(step)) << 16 | static_cast<uint32_t>(classify.dim) << 20;
    i[2] = address(step.inputs[0]);
    i[4] = place(step.output, {1}, program_.output_bytes);
    i[6] = static_cast<uint32_t>(classes);
    i[7] = static_cast<uint32_t>(classify.dim);
    emit(i);
    transfer(Opcode::kStore, Base::kOutput, 0, i[4], program_.output_bytes, false);
  }

  void store_trace(const graph::Step& step) {
    const Place& from = places_.at(list_.place_of(step.output));
    program_.traced.push_back({step.name, step.output, program_.trace_bytes,
                               list_.tensors.at(step.output).shape, from.strides});
    transfer(Opcode::kStore, Base::kTrace, program_.trace_bytes, from.address, from.bytes, true);
    program_.trace_bytes += from.bytes;
  }

  const graph::QuantisedNetwork& network_;
  graph::StepList list_;
  AcceleratorShape shape_;
  Scratchpad scratch_;
  const graph::Assignment& assignment_;
  bool trace_;
  Program program_;
  std::string step_;
  std::map<std::string, Place> places_;     // by buffer
  std::map<std::string, size_t> last_use_;  // by buffer: index of a step
};

}  // namespace

Program compile(const graph::QuantisedNetwork& network, const AcceleratorShape& shape,
                const graph::Assignment& assignment, bool trace) {
  if (assignment.components().size() > kMaxMultipliers) {
    throw Error(ErrorKind::kUnimplemented,
                fmt::format("{} components in one accelerator, expected 1..{}",
                            assignment.components().size(), kMaxMultipliers));
  }
  return Compiler(network, shape, assignment, trace).run();
}

}  // namespace lutra::accelerator
