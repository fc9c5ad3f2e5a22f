#include "avx2/avx2_backend.h"

#include "avx2/avx2_factorised_gemm.h"
#include "avx2/avx2_gradients.h"
#include "avx2/column_lookup.h"
#include "lutra/base/error.h"
#include "lutra/base/threads.h"
#include "matrix/cost_model.h"
#include "matrix/routing.h"

#if defined(__x86_64__) && defined(__GNUC__)

namespace lutra::engine {
namespace {

class Avx2Backend : public MatrixBackend {
 public:
  Avx2Backend(int jobs, std::optional<GemmAlgorithm> algorithm)
      : MatrixBackend(jobs), algorithm_(algorithm) {}
  std::string name() const override { return "avx2"; }

 protected:
  using MatrixBackend::run;

  void run_input_gradient(const Conv2dGradientArgs& args) override {
    input_gradient_avx2(args, jobs());
  }
  void run_weight_gradient(const Conv2dGradientArgs& args) override {
    weight_gradient_avx2(args, jobs());
  }

  void run(const WeightedSumArgs& args) override {
    base::parallel_for(args.images * args.classes, 16, jobs(),
                       [&](int begin, int end) { sum_weighted_votes(args, begin, end); });
  }
  void run(const AgreementArgs& args) override {
    base::parallel_for(args.images * args.classes, 16, jobs(),
                       [&](int begin, int end) { add_agreements(args, begin, end); });
  }

  std::shared_ptr<const void> prepare(const MatrixProduct& m, int jobs) const override {
    auto plan = std::make_shared<Plan>();
    plan->algorithm = choose_algorithm(m);
    if (plan->algorithm == GemmAlgorithm::kFactorised) plan->weight = pack_weight_avx2(m, jobs);
    return plan;
  }

  void multiply(const MatrixProduct& m, const void* prepared, int64_t begin,
                int64_t end) const override {
    const Plan& plan = *static_cast<const Plan*>(prepared);
    switch (plan.algorithm) {
      case GemmAlgorithm::kReference:
        return multiply_reference(m, begin, end);
      case GemmAlgorithm::kLookup:
        return look_up_columns(m, begin, end);
      case GemmAlgorithm::kFactorised:
        return multiply_factorised_avx2(m, plan.weight, begin, end);
    }
  }
  /// Each task of a lookup makes its tables anew.
  int min_rows_per_task(const MatrixProduct& m) const override {
    return choose_algorithm(m) == GemmAlgorithm::kLookup ? 16 * kTileRows : kTileRows;
  }

 private:
  struct Plan {
    GemmAlgorithm algorithm;
    PackedWeight<int16_t> weight;
  };

  GemmAlgorithm choose_algorithm(const MatrixProduct& m) const {
    return algorithm_ ? supported_algorithm(*algorithm_, m.maps != nullptr) : costs().choose(m);
  }

  static const CostModel& costs() {
    static const CostModel model = [] {
      CostModel measured = CostModel::measure(
          1, 16, [](const MatrixProduct& m) { look_up_columns(m, 0, m.rows); },
          [](const MatrixProduct& m) {
            multiply_factorised_avx2(m, pack_weight_avx2(m, 1), 0, m.rows);
          });
      measured.shares_rows = true;
      return measured;
    }();
    return model;
  }

  std::optional<GemmAlgorithm> algorithm_;
};

}  // namespace

bool avx2_available(std::string* reason) {
  const bool available = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  *reason = available ? "16 products a load, or 16 multiplied where the table factorises"
                      : "this processor has no AVX2 with FMA";
  return available;
}

std::unique_ptr<Backend> make_avx2_backend(int jobs, std::optional<GemmAlgorithm> algorithm) {
  return std::make_unique<Avx2Backend>(jobs, algorithm);
}

}  // namespace lutra::engine

#else

namespace lutra::engine {

bool avx2_available(std::string* reason) {
  *reason = "not an x86-64 build by GCC or Clang";
  return false;
}

std::unique_ptr<Backend> make_avx2_backend(int /*jobs*/,
                                           std::optional<GemmAlgorithm> /*algorithm*/) {
  throw Error(ErrorKind::kInternal, "backend avx2: not in this build");
}

}  // namespace lutra::engine

#endif
