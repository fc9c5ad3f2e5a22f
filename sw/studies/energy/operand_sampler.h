#ifndef LUTRA_STUDIES_ENERGY_OPERAND_SAMPLER_H_
#define LUTRA_STUDIES_ENERGY_OPERAND_SAMPLER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lutra/accelerator/program.h"
#include "lutra/component/energy_meter.h"

namespace lutra::studies {

/// How much work each step of a program gives to each unit; the same for every image.
class WorkCounter : public accelerator::ProgramObserver {
 public:
  struct Step {
    std::vector<std::vector<uint8_t>> rows;  ///< [column][cycle]: PEs in use
    std::vector<int64_t> requantised;        ///< [column]
    int64_t squashed = 0;
    int64_t softmaxed = 0;
    int64_t products() const;
  };

  void column(const std::string& step, int col, int rows, const int8_t*, const int8_t*,
              const int16_t*, int32_t) override;
  void requantise(const std::string& step, int col, int32_t, int, bool, bool, int8_t) override;
  void squash(const std::string& step, const int8_t*, int, int, bool) override;
  void softmax(const std::string& step, const int8_t*, int, int) override;

  std::map<std::string, Step> steps;
};

/// What one image gives a step's units to do, in sequences of consecutive operations of one unit.
struct StepSample {
  struct Column {
    std::vector<int16_t> products;
    int32_t acc;
    int32_t sum;
  };
  struct Requantised {
    int32_t acc;
    int shift;
    bool relu, accumulate;
    int8_t old;
  };
  struct Vector {
    std::vector<int8_t> elements;
    int frac;
    bool norm_only;
  };
  std::vector<std::vector<synth::OperandPair>> pairs;  ///< of one PE each
  std::vector<std::vector<Column>> columns;            ///< of one column each
  std::vector<std::vector<Requantised>> requantised;   ///< of one requantiser each
  std::vector<std::vector<Vector>> squashed;
  std::vector<std::vector<Vector>> softmaxed;
};

/// Draws the sequences of one image: at random over all PEs, columns, tiles and positions, each
/// product as likely as any other. The same seed draws the same places in every run of a program,
/// so that runs with different multipliers are compared at the same places.
class OperandSampler : public accelerator::ProgramObserver {
 public:
  static constexpr int kTransitions = 16;  ///< of a sequence: between consecutive operations
  static constexpr int kVectors = 2;       ///< the same of vectors, which take many cycles each

  /// @param samples  transitions of multipliers, over all steps by their share of the products
  OperandSampler(const WorkCounter& work, int samples, uint64_t seed, int image);

  void column(const std::string& step, int col, int rows, const int8_t* first, const int8_t* second,
              const int16_t* products, int32_t acc) override;
  void requantise(const std::string& step, int col, int32_t acc, int shift, bool relu,
                  bool accumulate, int8_t old) override;
  void squash(const std::string& step, const int8_t* elements, int dim, int frac,
              bool norm_only) override;
  void softmax(const std::string& step, const int8_t* logits, int n, int frac) override;

  /// What was drawn, once the program has run; sequences of a single operation are left out.
  std::map<std::string, StepSample> take();

 private:
  /// A sequence that begins at an operation of a stream.
  struct Draw {
    int64_t start;
    int row;  ///< of a PE; -1: the whole column
    size_t sequence;
  };
  /// The operations of one unit, and where sequences of it begin, in order.
  struct Stream {
    std::vector<Draw> draws;
    size_t next = 0;
    int64_t at = 0;
    std::vector<Draw> active;
  };
  struct Streams {
    std::vector<Stream> columns, requantisers;  ///< [column]
    Stream squash, softmax;
    StepSample sample;
  };

  Streams& of(const std::string& step);
  template <typename Take>
  static void advance(Stream* stream, int transitions, const Take& take);

  std::map<std::string, Streams> steps_;
  const std::string* last_name_ = nullptr;
  Streams* last_ = nullptr;
};

}  // namespace lutra::studies

#endif  // LUTRA_STUDIES_ENERGY_OPERAND_SAMPLER_H_
