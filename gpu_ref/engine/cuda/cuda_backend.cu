#include "cuda/cuda_backend.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "cuda/cuda_memory.h"
#include "cuda/product_plan.h"
#include "lutra/base/error.h"
#include "operand_tensors.h"

namespace lutra::engine {
namespace cuda {
namespace {

/// Device memory of a multiplier: lives as long as it.
class DeviceMultiplier {
 public:
  DeviceMultiplier(const Multiplier& multiplier, tables::Operands operands)
      : base_(multiplier.table().base()), offsets_(multiplier.table().offsets(), 65536) {
    const std::vector<uint16_t> columns = table_columns(multiplier.table());
    columns_ = {reinterpret_cast<const uint32_t*>(columns.data()), columns.size() / 2};
    if (const tables::Factorisation* found = multiplier.factorisation(operands)) {
      factors_ = factors(*found, multiplier.table());
    }
    if (factors_) {
      u_ = {factors_->u.data(), factors_->u.size()};
      v_ = {factors_->v.data(), factors_->v.size()};
      row_ = {factors_->row.data(), factors_->row.size()};
      column_ = {factors_->column.data(), factors_->column.size()};
    }
    // Copies from pageable memory may still be in flight, and our streams do not wait for them.
    check(cudaStreamSynchronize(nullptr), "copying tables in");
  }

  DeviceTables tables() const {
    return {{offsets_.get(), base_, nullptr},
            columns_.get(),
            factors_ ? &*factors_ : nullptr,
            u_.get(),
            v_.get(),
            row_.get(),
            column_.get()};
  }

 private:
  int32_t base_;
  DeviceArray<uint16_t> offsets_;
  DeviceArray<uint32_t> columns_;
  std::optional<Factors> factors_;
  DeviceArray<int8_t> u_, v_;
  DeviceArray<int32_t> row_, column_;
};

template <tables::Operands kOperands>
struct DeviceMultiplierOf : DeviceMultiplier {
  explicit DeviceMultiplierOf(const Multiplier& multiplier)
      : DeviceMultiplier(multiplier, kOperands) {}
};

DeviceTables tables_of(const Products& products, tables::Operands operands) {
  const Multiplier& multiplier = *products.multiplier;
  return operands == tables::Operands::kSymmetric
             ? multiplier.derived<DeviceMultiplierOf<tables::Operands::kSymmetric>>().tables()
             : multiplier.derived<DeviceMultiplierOf<tables::Operands::kAll>>().tables();
}

int attribute(cudaDeviceAttr which) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, 0), "asking for the device");
  return value;
}

__global__ void look_for_warpgroups(bool* found) {
#ifdef LUTRA_WARPGROUPS
  *found = true;
#else
  *found = false;
#endif
}

/// Whether the code that runs on this device has wgmma in it.
bool compiled_with_warpgroups() {
  static const bool result = [] {
    bool found = false;
    const DeviceArray<bool> on_device(&found, 1);
    look_for_warpgroups<<<1, 1>>>(const_cast<bool*>(on_device.get()));
    check(cudaGetLastError(), "looking for wgmma");
    check(cudaMemcpy(&found, on_device.get(), 1, cudaMemcpyDeviceToHost), "looking for wgmma");
    return found;
  }();
  return result;
}

/// The device's, or a part of it that all since compute capability 8.0 have.
DeviceProperties device_properties(bool as_of_8_0) {
  const int multiprocessors = attribute(cudaDevAttrMultiProcessorCount);
  const int shared_memory = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  if (as_of_8_0) return {multiprocessors, std::min(163 << 10, shared_memory), false};
  return {multiprocessors, shared_memory, compiled_with_warpgroups()};
}

/// A stream with its memory: the `Context` of product_plan.h.
class StreamContext {
 public:
  explicit StreamContext(const DeviceProperties& properties) : properties_(properties) {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
  }
  StreamContext(const StreamContext&) = delete;
  StreamContext& operator=(const StreamContext&) = delete;
  ~StreamContext() { cudaStreamDestroy(stream_); }

  cudaStream_t stream() const { return stream_; }
  Arena& arena() { return arena_; }
  const DeviceProperties& properties() const { return properties_; }

  template <typename T>
  T* scratch(int64_t count) {
    return static_cast<T*>(scratch_->take(sizeof(T) * static_cast<size_t>(count)));
  }
  /// From now on, scratch memory comes from there, or from the device's own arena again.
  void take_scratch_from(Arena* arena) { scratch_ = arena == nullptr ? &arena_ : arena; }

  template <typename Kernel>
  void run(const typename Kernel::Arguments& args) {
    constexpr int kBytes = sizeof(typename Kernel::Shared);
    constexpr int64_t kMaxBlocks = 0x7fffffff;
    if (args.blocks() > kMaxBlocks) {
      throw Error(ErrorKind::kUnimplemented, "CUDA: " + std::to_string(args.blocks()) +
                                                 " blocks in one launch, allowed are " +
                                                 std::to_string(kMaxBlocks));
    }
    // What shared memory does not need is L1 cache, where LookupKernel's table lies.
    const int wanted = Kernel::kBlocksPerMultiprocessor * (kBytes + 1024);
    const int percent = std::min(100, (wanted * 100 + shared_memory_ - 1) / shared_memory_);
    const auto kernel = run_kernel<Kernel>;
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes),
          "asking for shared memory");
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout, percent),
          "asking for L1 cache");
    kernel<<<static_cast<unsigned>(args.blocks()), Kernel::kThreads, kBytes, stream_>>>(args);
    check(cudaGetLastError(), "launching");
  }

  template <typename Args, void (*At)(const Args&, int64_t)>
  void for_each(const Args& args, int64_t count) {
    constexpr int kThreads = 256;
    constexpr int64_t kMaxBlocks = 1 << 20;
    if (count == 0) return;
    const int64_t blocks = std::min(kMaxBlocks, (count + kThreads - 1) / kThreads);
    evaluate<Args, At><<<static_cast<unsigned>(blocks), kThreads, 0, stream_>>>(args, count);
    check(cudaGetLastError(), "launching");
  }

 private:
  cudaStream_t stream_ = nullptr;
  Arena arena_;
  Arena* scratch_ = &arena_;
  const DeviceProperties properties_;
  const int shared_memory_ = attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor);
};

/// A CUDA event.
class Event {
 public:
  explicit Event(unsigned flags) {
    check(cudaEventCreateWithFlags(&event_, flags), "making an event");
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { cudaEventDestroy(event_); }

  void record(cudaStream_t stream) { check(cudaEventRecord(event_, stream), "recording an event"); }
  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

/// What one call of an operation computes with: two streams that take its chunks in turn.
struct StreamPair {
  explicit StreamPair(const DeviceProperties& properties)
      : contexts{StreamContext(properties), StreamContext(properties)} {}

  StreamContext contexts[2];
  Arena shared;  // what all chunks read
  Event shared_copied{cudaEventDisableTiming};
  Event begin{cudaEventDefault};
  Event end{cudaEventDefault};

  void wait() {
    for (StreamContext& context : contexts) cudaStreamSynchronize(context.stream());
  }
  void release() {
    for (StreamContext& context : contexts) context.arena().release();
    shared.release();
  }
};

/// One call of an operation, cut into chunks along its outermost axis. Every chunk is launched from
/// `args`: shared(), input() and output() take the fields of it that are tensors.
template <typename Args>
class ChunkedCall {
 public:
  /// @param units  along the outermost axis
  ChunkedCall(const Args& host, int64_t units) : args(host), host_(host), units_(units) {}

  Args args;

  /// A tensor that all chunks read.
  template <typename T>
  void shared(const T** field, int64_t count) {
    if (*field == nullptr || count == 0) return;
    shared_.push_back({reinterpret_cast<const char*>(*field), bytes_of<T>(count), setter(field)});
  }
  /// A tensor of which a chunk reads its units.
  template <typename T>
  void input(const T** field, int64_t count_of_unit) {
    if (*field == nullptr || count_of_unit == 0) return;
    inputs_.push_back(
        {reinterpret_cast<const char*>(*field), bytes_of<T>(count_of_unit), setter(field)});
  }
  template <typename T>
  void output(T** field, int64_t count_of_unit) {
    if (*field == nullptr || count_of_unit == 0) return;
    outputs_.push_back({reinterpret_cast<char*>(*field), bytes_of<T>(count_of_unit),
                        setter(const_cast<const T**>(field))});
  }

  /// Outputs are written only after all memory that will ever be needed has been got.
  /// @param prepare  (context, units of the largest chunk): makes what all chunks need of what they
  ///                 share; its scratch memory lives as long as the call
  /// @param launch   (context, units, units of the largest chunk): launches `args`
  template <typename Prepare, typename Launch>
  void run(StreamPair* streams, double* kernel_seconds, const Prepare& prepare,
           const Launch& launch) {
    if (units_ == 0) return;
    size_t unit_bytes = 0;
    for (const auto& t : inputs_) unit_bytes += t.bytes;
    for (const auto& t : outputs_) unit_bytes += t.bytes;
    const int64_t wanted = static_cast<int64_t>(unit_bytes * units_ / kChunkBytes) + 1;
    const int64_t largest = (units_ + std::min(wanted, units_) - 1) / std::min(wanted, units_);

    streams->shared.reset();
    const cudaStream_t first = streams->contexts[0].stream();
    std::vector<char*> shared;
    for (const auto& t : shared_) {
      shared.push_back(static_cast<char*>(streams->shared.take(t.bytes)));
      check(cudaMemcpyAsync(shared.back(), t.host, t.bytes, cudaMemcpyHostToDevice, first),
            "copying in");
    }
    const auto timed = [&](cudaStream_t stream, const auto& work) {
      if (kernel_seconds == nullptr) return work();
      streams->begin.record(stream);
      work();
      streams->end.record(stream);
      check(cudaEventSynchronize(streams->end.get()), "waiting");
      float milliseconds = 0;
      check(cudaEventElapsedTime(&milliseconds, streams->begin.get(), streams->end.get()),
            "timing");
      *kernel_seconds += milliseconds / 1e3;
    };
    const auto reset = [&] {
      args = host_;
      for (size_t i = 0; i < shared.size(); ++i) shared_[i].set(shared[i]);
    };
    reset();
    streams->contexts[0].take_scratch_from(&streams->shared);
    timed(first, [&] { prepare(streams->contexts[0], largest); });
    streams->contexts[0].take_scratch_from(nullptr);
    streams->shared_copied.record(first);
    check(cudaStreamWaitEvent(streams->contexts[1].stream(), streams->shared_copied.get(), 0),
          "waiting");

    Chunk before;
    int turn = 0;
    for (int64_t begin = 0; begin < units_; begin += largest, turn ^= 1) {
      Chunk chunk{&streams->contexts[turn], begin, std::min(largest, units_ - begin), {}};
      chunk.context->arena().reset();
      reset();
      for (const auto& t : inputs_) {
        char* const memory = chunk.context->template scratch<char>(t.bytes * chunk.units);
        check(cudaMemcpyAsync(memory, t.host + t.bytes * begin, t.bytes * chunk.units,
                              cudaMemcpyHostToDevice, chunk.context->stream()),
              "copying in");
        t.set(memory);
      }
      for (const auto& t : outputs_) {
        chunk.outputs.push_back(chunk.context->template scratch<char>(t.bytes * chunk.units));
        t.set(chunk.outputs.back());
      }
      timed(chunk.context->stream(), [&] { launch(*chunk.context, chunk.units, largest); });
      if (begin > 0) finish(before);
      before = std::move(chunk);
    }
    finish(before);
  }

 private:
  static constexpr size_t kChunkBytes = size_t{64} << 20;

  template <typename Pointer>
  struct Tensor {
    Pointer host;
    size_t bytes;  // of a unit, or of all of a shared one
    std::function<void(void*)> set;
  };
  struct Chunk {
    StreamContext* context = nullptr;
    int64_t begin = 0;
    int64_t units = 0;
    std::vector<char*> outputs;
  };

  template <typename T>
  static size_t bytes_of(int64_t count) {
    return sizeof(T) * static_cast<size_t>(count);
  }
  template <typename T>
  static std::function<void(void*)> setter(const T** field) {
    return [field](void* memory) { *field = static_cast<const T*>(memory); };
  }

  void finish(const Chunk& chunk) {
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const auto& t = outputs_[i];
      check(cudaMemcpyAsync(t.host + t.bytes * chunk.begin, chunk.outputs[i], t.bytes * chunk.units,
                            cudaMemcpyDeviceToHost, chunk.context->stream()),
            "copying out");
    }
    check(cudaStreamSynchronize(chunk.context->stream()), "computing");
  }

  const Args host_;
  int64_t units_;
  std::vector<Tensor<const char*>> shared_;
  std::vector<Tensor<const char*>> inputs_;
  std::vector<Tensor<char*>> outputs_;
};

class CudaBackend : public Backend {
 public:
  CudaBackend(std::optional<GemmAlgorithm> algorithm, bool as_of_8_0)
      : algorithm_(algorithm), properties_(device_properties(as_of_8_0)) {}

  std::string name() const override { return "cuda"; }

  double kernel_seconds(const std::function<void()>& work) {
    seconds_ = 0;
    timing_ = true;
    try {
      work();
    } catch (...) {
      timing_ = false;
      throw;
    }
    timing_ = false;
    return seconds_;
  }

 protected:
  void run(const GemmArgs& host) override {
    GemmArgs args = host;
    int64_t units = host.batch;
    int64_t rows = host.rows;
    if (host.shared_second) {  // then all rows are alike
      units *= rows;
      rows = 1;
    }
    args.batch = 1;
    ChunkedCall<GemmArgs> call(args, units);
    const int64_t second = int64_t{host.outputs} * host.terms;
    if (host.shared_second) {
      call.shared(&call.args.second, second);
    } else {
      call.input(&call.args.second, second);
    }
    call.shared(&call.args.bias, host.outputs);
    call.input(&call.args.first, rows * host.terms);
    call.output(&call.args.to.output, rows * host.outputs);
    call.output(&call.args.to.sums, rows * host.outputs);
    run_products<GemmArgs, gemm_at>(&call, host.shared_second, [&](GemmArgs* chunk, int64_t count) {
      (host.shared_second ? chunk->rows : chunk->batch) = static_cast<int>(count);
    });
  }

  void run(const Conv2dArgs& host) override {
    ChunkedCall<Conv2dArgs> call(host, host.images);
    const int64_t pixels = int64_t{host.out_height()} * host.out_width() * host.out_channels;
    call.shared(&call.args.weight, int64_t{host.out_channels} * host.terms());
    call.shared(&call.args.bias, host.out_channels);
    call.input(&call.args.input, int64_t{host.height} * host.width * host.in_channels);
    call.output(&call.args.to.output, pixels);
    call.output(&call.args.to.sums, pixels);
    run_products<Conv2dArgs, conv2d_at>(&call, true, [](Conv2dArgs* chunk, int64_t count) {
      chunk->images = static_cast<int>(count);
    });
  }

  void run(const VotesArgs& host) override {
    ChunkedCall<VotesArgs> call(host, host.images);
    const int64_t pairs = int64_t{host.capsules} * host.classes;
    call.shared(&call.args.weight, pairs * host.in_dim * host.out_dim);
    call.input(&call.args.input, int64_t{host.capsules} * host.in_dim);
    call.output(&call.args.output, pairs * host.out_dim);
    run_products<VotesArgs, votes_at>(&call, true, [](VotesArgs* chunk, int64_t count) {
      chunk->images = static_cast<int>(count);
    });
  }

  void run(const PoolArgs& host) override {
    ChunkedCall<PoolArgs> call(host, host.images);
    call.input(&call.args.input, int64_t{host.height} * host.width * host.channels);
    call.output(&call.args.output, int64_t{host.out_height()} * host.out_width() * host.channels);
    run_elements<PoolArgs, pool_at>(&call, &PoolArgs::images);
  }

  void run(const AddArgs& host) override {
    ChunkedCall<AddArgs> call(host, host.elements);
    call.input(&call.args.first, 1);
    call.input(&call.args.second, 1);
    call.output(&call.args.output, 1);
    run_elements<AddArgs, add_at>(&call, &AddArgs::elements);
  }

  void run(const RequantiseArgs& host) override {
    ChunkedCall<RequantiseArgs> call(host, host.elements);
    call.input(&call.args.sums, 1);
    call.output(&call.args.output, 1);
    run_elements<RequantiseArgs, requantise_at>(&call, &RequantiseArgs::elements);
  }

  void run(const WeightedSumArgs& host) override {
    ChunkedCall<WeightedSumArgs> call(host, host.images);
    const int64_t pairs = int64_t{host.classes} * host.capsules;
    call.input(&call.args.coupling, pairs);
    call.input(&call.args.votes, pairs * host.out_dim);
    call.output(&call.args.output, int64_t{host.classes} * host.out_dim);
    run_elements<WeightedSumArgs, weighted_sum_at>(&call, &WeightedSumArgs::images);
  }

  void run(const AgreementArgs& host) override {
    ChunkedCall<AgreementArgs> call(host, host.images);
    const int64_t pairs = int64_t{host.classes} * host.capsules;
    call.input(&call.args.votes, pairs * host.out_dim);
    call.input(&call.args.v, int64_t{host.classes} * host.out_dim);
    call.input(&call.args.before, pairs);
    call.output(&call.args.output, pairs);
    run_elements<AgreementArgs, agreement_at>(&call, &AgreementArgs::images);
  }

  void run(const SquashArgs& host) override {
    ChunkedCall<SquashArgs> call(host, host.capsules);
    call.input(&call.args.input, host.dim);
    call.output(&call.args.output, host.dim);
    run_elements<SquashArgs, squash_at>(&call, &SquashArgs::capsules);
  }

  void run(const SoftmaxArgs& host) override {
    ChunkedCall<SoftmaxArgs> call(host, host.images);
    const int64_t pairs = int64_t{host.classes} * host.capsules;
    call.input(&call.args.logits, pairs);
    call.output(&call.args.output, pairs);
    run_elements<SoftmaxArgs, softmax_at>(&call, &SoftmaxArgs::images);
  }

  void run(const ClassifyArgs& host) override {
    ChunkedCall<ClassifyArgs> call(host, host.images);
    call.input(&call.args.input, int64_t{host.classes} * host.dim);
    call.output(&call.args.scores, host.classes);
    call.output(&call.args.output, 1);
    run_elements<ClassifyArgs, classify_at>(&call, &ClassifyArgs::images);
  }

  void run_input_gradient(const Conv2dGradientArgs& host) override {
    ChunkedCall<Conv2dGradientArgs> call(host, host.images);
    const int64_t image = int64_t{host.height} * host.width * host.in_channels;
    add_derivative(&call);
    call.shared(&call.args.weight, host.weight_size());
    call.input(&call.args.input, image);
    call.input(&call.args.gradient,
               int64_t{host.out_height()} * host.out_width() * host.out_channels);
    call.output(&call.args.result, image);
    run_call(&call, [&](StreamContext& context, int64_t count, int64_t) {
      call.args.images = static_cast<int>(count);
      context.for_each<Conv2dGradientArgs, conv2d_input_gradient_at>(call.args,
                                                                     call.args.input_size());
    });
  }

  void run_weight_gradient(const Conv2dGradientArgs& host) override {
    ChunkedCall<Conv2dGradientArgs> call(host, 1);  // its sums run over all images, in order
    add_derivative(&call);
    call.shared(&call.args.weight, host.weight_size());
    call.shared(&call.args.input, host.input_size());
    call.shared(&call.args.gradient,
                int64_t{host.images} * host.out_height() * host.out_width() * host.out_channels);
    call.output(&call.args.result, host.weight_size());
    run_call(&call, [&](StreamContext& context, int64_t, int64_t) {
      context.for_each<Conv2dGradientArgs, conv2d_weight_gradient_at>(call.args,
                                                                      call.args.weight_size());
    });
  }

 private:
  static void add_derivative(ChunkedCall<Conv2dGradientArgs>* call) {
    Derivative& derivative = call->args.derivative;
    call->shared(&derivative.own, 256);
    call->shared(&derivative.other, 256);
    call->shared(&derivative.table, 65536);
  }

  template <typename Args>
  static void to_device(Args* args) {
    args->products = tables_of(args->products, tables::Operands::kAll).products;
  }
  static void to_device(PoolArgs*) {}
  static void to_device(AddArgs*) {}
  static void to_device(RequantiseArgs*) {}
  static void to_device(SoftmaxArgs*) {}

  template <typename Args, void (*At)(const Args&, int64_t), typename Count>
  void run_elements(ChunkedCall<Args>* call, Count Args::*units) {
    run_call(call, [&](StreamContext& context, int64_t count, int64_t) {
      call->args.*units = static_cast<Count>(count);
      to_device(&call->args);
      context.for_each<Args, At>(call->args, call->args.count());
    });
  }

  /// @param shares_second  whether the chunks of a call have one second operand
  template <typename Args, void (*At)(const Args&, int64_t), typename SetUnits>
  void run_products(ChunkedCall<Args>* call, bool shares_second, const SetUnits& set_units) {
    if (call->args.count() == 0) return;
    const DeviceTables tables =
        tables_of(call->args.products,
                  fewest_terms(*call->args.products.multiplier, operands_of(call->args)));
    PreparedGemm shared;
    // The largest chunk's plan is that of all: none asks for more memory than it has got.
    const auto prepared_for = [&](StreamContext& context, int64_t units, int64_t largest) {
      const auto product_of = [&](int64_t count) {
        Args args = call->args;
        args.products = tables.products;
        set_units(&args, count);
        return implicit_gemm(args);
      };
      const Plan chosen =
          plan(product_of(largest), tables.factors == nullptr ? 0 : tables.factors->terms);
      return chosen.algorithm == GemmAlgorithm::kReference
                 ? PreparedGemm{chosen}
                 : prepare(context, product_of(units), tables, chosen);
    };
    run_call(
        call,
        [&](StreamContext& context, int64_t largest) {
          if (shares_second) shared = prepared_for(context, largest, largest);
        },
        [&](StreamContext& context, int64_t count, int64_t largest) {
          const PreparedGemm prepared =
              shares_second ? shared : prepared_for(context, count, largest);
          call->args.products = tables.products;
          set_units(&call->args, count);
          const ImplicitGemm product = implicit_gemm(call->args);
          if (prepared.plan.algorithm == GemmAlgorithm::kReference) {
            context.for_each<Args, At>(call->args, call->args.count());
          } else {
            run_product(context, product, tables, prepared);
          }
        });
  }

  Plan plan(const ImplicitGemm& product, int factors) const {
    if (!algorithm_) return plan_for(product, properties_, factors);
    return plan_for(product, supported_algorithm(*algorithm_, factors > 0), properties_, factors);
  }

  /// A second try is made without the memory that earlier calls have left for later ones.
  template <typename Args, typename Prepare, typename Launch>
  void run_call(ChunkedCall<Args>* call, const Prepare& prepare, const Launch& launch) {
    std::unique_ptr<StreamPair> streams = take_streams();
    for (int attempt = 0;; ++attempt) {
      try {
        call->run(streams.get(), timing_ ? &seconds_ : nullptr, prepare, launch);
        break;
      } catch (const Error& error) {
        streams->wait();
        streams->release();
        if (attempt > 0 || error.kind() != ErrorKind::kExhausted) throw;
        const std::lock_guard<std::mutex> lock(mutex_);
        idle_streams_.clear();
      }
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    idle_streams_.push_back(std::move(streams));
  }

  template <typename Args, typename Launch>
  void run_call(ChunkedCall<Args>* call, const Launch& launch) {
    run_call(
        call, [](StreamContext&, int64_t) {}, launch);
  }

  std::unique_ptr<StreamPair> take_streams() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!idle_streams_.empty()) {
        auto streams = std::move(idle_streams_.back());
        idle_streams_.pop_back();
        return streams;
      }
    }
    return std::make_unique<StreamPair>(properties_);
  }

  const std::optional<GemmAlgorithm> algorithm_;
  const DeviceProperties properties_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<StreamPair>> idle_streams_;
  bool timing_ = false;
  double seconds_ = 0;
};

}  // namespace
}  // namespace cuda

bool cuda_device(std::string* reason) {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess || devices == 0) {
    *reason = status == cudaSuccess ? "no CUDA device" : cudaGetErrorString(status);
    return false;
  }
  cudaDeviceProp properties;
  cuda::check(cudaGetDeviceProperties(&properties, 0), "asking for the device");
  *reason = properties.name;
  if (properties.major < 8) {
    *reason += " has compute capability " + std::to_string(properties.major) + "." +
               std::to_string(properties.minor) + ", needed is 8.0";
    return false;
  }
  return true;
}

CudaLimits cuda_limits() {
  const double cycles =
      1e3 * cuda::attribute(cudaDevAttrClockRate) * cuda::attribute(cudaDevAttrMultiProcessorCount);
  const int major = cuda::attribute(cudaDevAttrComputeCapabilityMajor);
  const int minor = cuda::attribute(cudaDevAttrComputeCapabilityMinor);
  // Products of a tensor core's int8 a cycle: 8.0 has 2048, 8.6 and 8.9 half of it, 9.0 twice.
  return {64 * cycles, (major >= 9 ? 4096 : minor == 0 ? 2048 : 1024) * cycles};
}

std::unique_ptr<Backend> make_cuda_backend(std::optional<GemmAlgorithm> algorithm, bool as_of_8_0) {
  return std::make_unique<cuda::CudaBackend>(algorithm, as_of_8_0);
}

double cuda_kernel_seconds(Backend& backend, const std::function<void()>& work) {
  return dynamic_cast<cuda::CudaBackend&>(backend).kernel_seconds(work);
}

}  // namespace lutra::engine
