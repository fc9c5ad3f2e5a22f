#ifndef LUTRA_ACCELERATOR_PROGRAM_H_
#define LUTRA_ACCELERATOR_PROGRAM_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lutra/engine/multiplier.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/quantised_network.h"

namespace lutra::accelerator {

/// What a build of the accelerator can do: the parameters of rtl/capsnet/capsnet_accel.sv.
struct AcceleratorShape {
  int rows = 16;
  int cols = 16;
  int scratch_bytes = 1 << 17;
  int acc_depth = 512;
};

/// An instruction of docs/accelerator.md: sixteen words.
using Instruction = std::array<uint32_t, 16>;

enum class Opcode : uint32_t {
  kEnd = 0,
  kLoad = 1,
  kStore = 2,
  kFill = 3,
  kMatmul = 4,
  kSquash = 5,
  kSoftmax = 6,
  kClassify = 7,
};

/// Base registers, by convention.
enum class Base : uint32_t { kWeights = 0, kInput = 1, kOutput = 2, kTrace = 3 };

/// Where a traced tensor lies, from the trace base on; element [i][j][k] of the tensor at
/// offset + i * stride[0] + j * stride[1] + k * stride[2].
struct TracedTensor {
  std::string step;    ///< the step that wrote it
  std::string tensor;  ///< name in StepList::tensors
  uint32_t offset;
  std::vector<int> shape;
  std::vector<int> strides;  ///< bytes

  /// Where an element lies, by its number in row-major order.
  size_t offset_of(size_t element) const {
    size_t at = offset;
    for (size_t d = shape.size(); d-- > 0;) {
      at += element % static_cast<size_t>(shape[d]) * static_cast<size_t>(strides[d]);
      element /= static_cast<size_t>(shape[d]);
    }
    return at;
  }
};

/// A compiled network.
struct Program {
  std::vector<Instruction> instructions;
  std::vector<uint8_t> weights;      ///< what BASE0 must point to
  std::vector<TracedTensor> traced;  ///< empty unless compiled with trace
  uint32_t input_bytes = 0;          ///< at BASE1, the image padded to a multiple of 16
  uint32_t output_bytes = 0;         ///< at BASE2: class in byte 0, scores as int32 from byte 16
  uint32_t trace_bytes = 0;          ///< at BASE3
  std::vector<std::string> step_of_tag;  ///< step name by instruction tag
};

/// Multipliers that one accelerator chooses from.
inline constexpr int kMaxMultipliers = 16;

/// Compiles the network for an accelerator, whose multipliers have the numbers of the assignment's
/// components.
/// @param trace  store every step's output to memory at BASE3
/// @throws Error kUnimplemented when a step does not fit, with the step and the limit; for more
/// than
///         kMaxMultipliers components
Program compile(const graph::QuantisedNetwork& network, const AcceleratorShape& shape,
                const graph::Assignment& assignment, bool trace);

/// Products and memory traffic of one run of a program, by step.
struct StepCounts {
  int64_t products = 0;        ///< that entered a sum
  int64_t sums = 0;            ///< accumulator words read, added to and written back
  int64_t requantised = 0;     ///< elements
  int64_t squashed = 0;        ///< capsules
  int64_t softmaxed = 0;       ///< rows
  int64_t scratch_reads = 0;   ///< vectors of up to 16 bytes
  int64_t scratch_writes = 0;  ///< vectors of up to 16 bytes
  int64_t memory_read_bytes = 0;
  int64_t memory_write_bytes = 0;
};

/// Sees what each unit of the accelerator works on, in the order in which the hardware does.
class ProgramObserver {
 public:
  virtual ~ProgramObserver() = default;
  /// One cycle of one column of the array.
  /// @param first     [rows] operands that stream
  /// @param second    [rows] operands that are held
  /// @param products  [rows]
  /// @param acc       the partial sum that the products are added to
  virtual void column(const std::string& /*step*/, int /*col*/, int /*rows*/,
                      const int8_t* /*first*/, const int8_t* /*second*/,
                      const int16_t* /*products*/, int32_t /*acc*/) {}
  /// One element through the requantiser.
  virtual void requantise(const std::string& /*step*/, int /*col*/, int32_t /*acc*/, int /*shift*/,
                          bool /*relu*/, bool /*accumulate*/, int8_t /*old*/) {}
  /// One capsule through the squash unit; with norm_only just its squared norm.
  virtual void squash(const std::string& /*step*/, const int8_t* /*s*/, int /*dim*/, int /*frac*/,
                      bool /*norm_only*/) {}
  /// One row of logits through the softmax unit.
  virtual void softmax(const std::string& /*step*/, const int8_t* /*logits*/, int /*n*/,
                       int /*frac*/) {}
};

/// The programmer's view of the accelerator, without time: executes a program as
/// docs/accelerator.md says.
class ProgramModel {
 public:
  /// @param multipliers  by number
  ProgramModel(const Program& program, const AcceleratorShape& shape,
               std::vector<std::shared_ptr<const engine::Multiplier>> multipliers);

  /// Runs one image.
  /// @param input     [input_bytes]
  /// @param output    gets [output_bytes]
  /// @param trace     gets [trace_bytes]
  /// @param observer  may be null
  void run(const std::vector<int8_t>& input, std::vector<uint8_t>* output,
           std::vector<uint8_t>* trace, ProgramObserver* observer = nullptr);

  /// Counts of the last run.
  const std::map<std::string, StepCounts>& counts() const { return counts_; }
  /// Those of instructions that only trace.
  const StepCounts& trace_counts() const { return trace_counts_; }

 private:
  void matmul(const Instruction& i, const std::string& step, StepCounts* counts,
              ProgramObserver* observer);
  uint8_t* at(uint32_t address, uint32_t bytes);

  const Program& program_;
  AcceleratorShape shape_;
  std::vector<std::shared_ptr<const engine::Multiplier>> multipliers_;
  std::vector<uint8_t> scratch_;
  std::map<std::string, StepCounts> counts_;
  StepCounts trace_counts_;
};

}  // namespace lutra::accelerator

#endif  // LUTRA_ACCELERATOR_PROGRAM_H_
