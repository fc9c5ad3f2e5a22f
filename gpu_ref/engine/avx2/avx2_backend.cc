#include "avx2/avx2_backend.h"

#include "avx2/column_lookup.h"
#include "avx2/exact_gemm.h"
#include "avx2/gradients.h"
#include "lutra/base/error.h"
#include "lutra/base/threads.h"
#include "matrix/cost_model.h"
#include "matrix/routing.h"

#if defined(__x86_64__) && defined(__GNUC__)

namespace lutra::engine {
namespace {

class Avx2Backend : public MatrixBackend {
 public:
  Avx2Backend(int jobs, std::optional<Way> way) : MatrixBackend(jobs), way_(way) {}
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
    plan->way = way(m);
    if (plan->way == Way::kExact) plan->weight = pack_weight_avx2(m, jobs);
    return plan;
  }

  void multiply(const MatrixProduct& m, const void* prepared, int64_t begin,
                int64_t end) const override {
    const Plan& plan = *static_cast<const Plan*>(prepared);
    switch (plan.way) {
      case Way::kReference:
        return multiply_plainly(m, begin, end);
      case Way::kLookup:
        return look_up_columns(m, begin, end);
      case Way::kExact:
        return multiply_factorised_avx2(m, plan.weight, begin, end);
    }
  }
  /// Each piece of a lookup makes its tables anew.
  int rows_of_a_piece(const MatrixProduct& m) const override {
    return way(m) == Way::kLookup ? 16 * kTileRows : kTileRows;
  }

 private:
  struct Plan {
    Way way;
    PackedWeight<int16_t> weight;
  };

  Way way(const MatrixProduct& m) const {
    return way_ ? possible(*way_, m.maps != nullptr) : costs().choose(m);
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

  std::optional<Way> way_;
};

}  // namespace

bool avx2_available(std::string* reason) {
  const bool available = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  *reason = available ? "16 products a load, or 16 multiplied where the table factorises"
                      : "this processor has no AVX2 with FMA";
  return available;
}

std::unique_ptr<Backend> make_avx2_backend(int jobs, std::optional<Way> way) {
  return std::make_unique<Avx2Backend>(jobs, way);
}

}  // namespace lutra::engine

#else

namespace lutra::engine {

bool avx2_available(std::string* reason) {
  *reason = "not an x86-64 build by GCC or Clang";
  return false;
}

std::unique_ptr<Backend> make_avx2_backend(int /*jobs*/, std::optional<Way> /*way*/) {
  throw Error(ErrorKind::kInternal, "backend avx2: not in this build");
}

}  // namespace lutra::engine

#endif
