#include "avx512/avx512_backend.h"

#include "avx2/avx2_gradients.h"
#include "avx512/avx512_factorised_gemm.h"
#include "avx512/row_lookup.h"
#include "lutra/base/error.h"
#include "lutra/base/threads.h"
#include "matrix/cost_model.h"

#if defined(__x86_64__) && defined(__GNUC__)

namespace lutra::engine {
namespace {

class Avx512Backend : public MatrixBackend {
 public:
  Avx512Backend(int jobs, std::optional<GemmAlgorithm> algorithm)
      : MatrixBackend(jobs), algorithm_(algorithm) {}
  std::string name() const override { return "avx512"; }

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
                       [&](int begin, int end) { look_up_weighted_sums(args, begin, end); });
  }

  std::shared_ptr<const void> prepare(const MatrixProduct& m, int jobs) const override {
    auto plan = std::make_shared<Plan>();
    plan->algorithm =
        algorithm_ ? supported_algorithm(*algorithm_, m.maps != nullptr) : costs().choose(m);
    if (plan->algorithm == GemmAlgorithm::kFactorised) plan->weight = pack_weight(m, jobs);
    return plan;
  }

  void multiply(const MatrixProduct& m, const void* prepared, int64_t begin,
                int64_t end) const override {
    const Plan& plan = *static_cast<const Plan*>(prepared);
    switch (plan.algorithm) {
      case GemmAlgorithm::kReference:
        return multiply_reference(m, begin, end);
      case GemmAlgorithm::kLookup:
        return look_up_rows(m, begin, end);
      case GemmAlgorithm::kFactorised:
        return multiply_factorised(m, plan.weight, begin, end);
    }
  }

 private:
  struct Plan {
    GemmAlgorithm algorithm;
    PackedWeight<int8_t> weight;
  };

  static const CostModel& costs() {
    static const CostModel model = CostModel::measure(
        64, 1, [](const MatrixProduct& m) { look_up_rows(m, 0, m.rows); },
        [](const MatrixProduct& m) { multiply_factorised(m, pack_weight(m, 1), 0, m.rows); });
    return model;
  }

  std::optional<GemmAlgorithm> algorithm_;
};

}  // namespace

bool avx512_available(std::string* reason) {
  const bool available = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                         __builtin_cpu_supports("avx512vbmi") &&
                         __builtin_cpu_supports("avx512vnni");
  *reason = available ? "64 products looked up at once, or 64 multiplied where the table factorises"
                      : "this processor has no AVX-512 with VBMI and VNNI";
  return available;
}

std::unique_ptr<Backend> make_avx512_backend(int jobs, std::optional<GemmAlgorithm> algorithm) {
  return std::make_unique<Avx512Backend>(jobs, algorithm);
}

}  // namespace lutra::engine

#else

namespace lutra::engine {

bool avx512_available(std::string* reason) {
  *reason = "not an x86-64 build by GCC or Clang";
  return false;
}

std::unique_ptr<Backend> make_avx512_backend(int /*jobs*/,
                                             std::optional<GemmAlgorithm> /*algorithm*/) {
  throw Error(ErrorKind::kInternal, "backend avx512: not in this build");
}

}  // namespace lutra::engine

#endif
