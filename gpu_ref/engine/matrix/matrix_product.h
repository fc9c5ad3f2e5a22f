#ifndef LUTRA_ENGINE_MATRIX_MATRIX_PRODUCT_H_
#define LUTRA_ENGINE_MATRIX_MATRIX_PRODUCT_H_

#include <functional>
#include <memory>

#include "matrix/feature_maps.h"
#include "scalar/scalar_backend.h"

namespace lutra::engine {

/// What convolutions, dense layers, votes and agreements come down to: for each row of bytes and
/// each output the sum of L(row[k], weight[output][k]). The rows lie where the tensor has them: a
/// row consists of segments of `segment_bytes` bytes, each at an offset from the row's start.
struct MatrixProduct {
  int64_t rows = 0;
  int outputs = 0;
  std::vector<int64_t> segment_offsets;
  int segment_bytes = 0;
  std::function<const int8_t*(int64_t row)> row_start;
  const int8_t* weight = nullptr;  ///< [outputs][segments * segment_bytes]
  const int32_t* bias = nullptr;   ///< [outputs], or null
  /// Where sums start that differ from row to row: null, or a row's [outputs] sums, bias included.
  std::function<const int32_t*(int64_t row)> initial_sums;
  const Multiplier* multiplier = nullptr;
  const FeatureMaps* maps = nullptr;  ///< of the multiplier, or null
  Destination to;                     ///< of row r, output o: index r * pitch + o
  int64_t pitch = 0;

  int terms() const { return static_cast<int>(segment_offsets.size()) * segment_bytes; }
  int32_t initial_sum(int64_t row, int output) const {
    return initial_sums ? initial_sums(row)[output] : bias == nullptr ? 0 : bias[output];
  }
};

/// A backend with kernels for matrix products: it turns operations into them, and divides them
/// among threads. What is not a matrix product runs as the reference runs it.
class MatrixBackend : public ScalarBackend {
 public:
  using ScalarBackend::ScalarBackend;

 protected:
  using ScalarBackend::run;
  void run(const GemmArgs& args) override;
  void run(const Conv2dArgs& args) override;
  void run(const VotesArgs& args) override;
  void run(const AgreementArgs& args) override;

  /// What all threads of one product share, such as packed weights; may be null.
  virtual std::shared_ptr<const void> prepare(const MatrixProduct& m, int jobs) const = 0;
  /// The rows [begin, end), on the calling thread.
  virtual void multiply(const MatrixProduct& m, const void* prepared, int64_t begin,
                        int64_t end) const = 0;
  /// Fewer rows are not given to a thread as long as the outputs can be divided instead.
  virtual int min_rows_per_task(const MatrixProduct& /*m*/) const { return kTileRows; }

  static constexpr int kTileRows = 256;

 private:
  void multiply(const MatrixProduct& m, int jobs) const;
};

}  // namespace lutra::engine

#endif  // LUTRA_ENGINE_MATRIX_MATRIX_PRODUCT_H_
