#include <cuda_runtime.h>

#include <utility>
#include <vector>

#include "cuda/cuda_backend.h"
#include "lutra/numerics/error.h"

namespace lutra::engine {
namespace {

void check(cudaError_t status, const char* doing) {
  if (status == cudaSuccess) return;
  throw Error(ExitCode::kMissingTool,
              std::string("CUDA, ") + doing + ": " + cudaGetErrorString(status));
}

/// Device copies of the tensors of one call: what goes in is copied on construction, what comes out
/// when `finish` is called; all are freed at the end of the scope.
class DeviceTensors {
 public:
  DeviceTensors() = default;
  DeviceTensors(const DeviceTensors&) = delete;
  DeviceTensors& operator=(const DeviceTensors&) = delete;
  ~DeviceTensors() {
    for (void* pointer : pointers_) cudaFree(pointer);
  }

  template <typename T>
  const T* input(const T* host, int64_t count) {
    T* device = allocate<T>(count);
    check(cudaMemcpy(device, host, sizeof(T) * count, cudaMemcpyHostToDevice), "copying in");
    return device;
  }

  template <typename T>
  T* output(T* host, int64_t count) {
    T* device = allocate<T>(count);
    outputs_.push_back({host, device, sizeof(T) * static_cast<size_t>(count)});
    return device;
  }

  void finish() {
    check(cudaGetLastError(), "launching");
    for (const Output& out : outputs_) {
      check(cudaMemcpy(out.host, out.device, out.bytes, cudaMemcpyDeviceToHost), "copying out");
    }
  }

 private:
  struct Output {
    void* host;
    const void* device;
    size_t bytes;
  };

  template <typename T>
  T* allocate(int64_t count) {
    void* pointer = nullptr;
    check(cudaMalloc(&pointer, sizeof(T) * static_cast<size_t>(count)), "allocating");
    pointers_.push_back(pointer);
    return static_cast<T*>(pointer);
  }

  std::vector<void*> pointers_;
  std::vector<Output> outputs_;
};

/// Grid-stride loop over the outputs of an operation.
template <typename Args, void (*At)(const Args&, int64_t)>
__global__ void evaluate(Args args) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t index = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       index < args.count(); index += step) {
    At(args, index);
  }
}

template <typename Args, void (*At)(const Args&, int64_t)>
void launch(const Args& args) {
  constexpr int kThreads = 256;
  const int64_t blocks = (args.count() + kThreads - 1) / kThreads;
  if (blocks == 0) return;
  evaluate<Args, At><<<static_cast<unsigned>(blocks < 65535 ? blocks : 65535), kThreads>>>(args);
}

constexpr int64_t kTableSize = 65536;

class CudaBackend : public Backend {
 public:
  std::string name() const override { return "cuda"; }

  void conv2d(const Conv2dArgs& host) override {
    DeviceTensors tensors;
    Conv2dArgs args = host;
    const int64_t fan_in = int64_t{host.kernel} * host.kernel * host.in_channels;
    args.input = tensors.input(host.input,
                               int64_t{host.images} * host.height * host.width * host.in_channels);
    args.weight = tensors.input(host.weight, host.out_channels * fan_in);
    args.bias = tensors.input(host.bias, host.out_channels);
    args.table = tensors.input(host.table, kTableSize);
    args.output = tensors.output(host.output, host.count());
    launch<Conv2dArgs, conv2d_at>(args);
    tensors.finish();
  }

  void votes(const VotesArgs& host) override {
    DeviceTensors tensors;
    VotesArgs args = host;
    args.input = tensors.input(host.input, int64_t{host.images} * host.capsules * host.in_dim);
    args.weight = tensors.input(host.weight,
                                int64_t{host.capsules} * host.classes * host.in_dim * host.out_dim);
    args.table = tensors.input(host.table, kTableSize);
    args.output = tensors.output(host.output, host.count());
    launch<VotesArgs, votes_at>(args);
    tensors.finish();
  }

  void weighted_sum(const WeightedSumArgs& host) override {
    DeviceTensors tensors;
    WeightedSumArgs args = host;
    const int64_t pairs = int64_t{host.images} * host.classes * host.capsules;
    args.coupling = tensors.input(host.coupling, pairs);
    args.votes = tensors.input(host.votes, pairs * host.out_dim);
    args.table = tensors.input(host.table, kTableSize);
    args.output = tensors.output(host.output, host.count());
    launch<WeightedSumArgs, weighted_sum_at>(args);
    tensors.finish();
  }

  void agreement(const AgreementArgs& host) override {
    DeviceTensors tensors;
    AgreementArgs args = host;
    args.votes = tensors.input(host.votes, host.count() * host.out_dim);
    args.v = tensors.input(host.v, int64_t{host.images} * host.classes * host.out_dim);
    args.table = tensors.input(host.table, kTableSize);
    args.before = tensors.input(host.before, host.count());
    args.output = tensors.output(host.output, host.count());
    launch<AgreementArgs, agreement_at>(args);
    tensors.finish();
  }

  void squash(const SquashArgs& host) override {
    DeviceTensors tensors;
    SquashArgs args = host;
    args.input = tensors.input(host.input, host.capsules * host.dim);
    args.table = tensors.input(host.table, kTableSize);
    args.output = tensors.output(host.output, host.capsules * host.dim);
    launch<SquashArgs, squash_at>(args);
    tensors.finish();
  }

  void softmax(const SoftmaxArgs& host) override {
    DeviceTensors tensors;
    SoftmaxArgs args = host;
    args.logits = tensors.input(host.logits, host.count() * host.classes);
    args.output = tensors.output(host.output, host.count() * host.classes);
    launch<SoftmaxArgs, softmax_at>(args);
    tensors.finish();
  }

  void classify(const ClassifyArgs& host) override {
    DeviceTensors tensors;
    ClassifyArgs args = host;
    args.input = tensors.input(host.input, int64_t{host.images} * host.classes * host.dim);
    args.table = tensors.input(host.table, kTableSize);
    args.scores = tensors.output(host.scores, int64_t{host.images} * host.classes);
    args.output = tensors.output(host.output, host.images);
    launch<ClassifyArgs, classify_at>(args);
    tensors.finish();
  }
};

}  // namespace

bool cuda_device(std::string* reason) {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess || devices == 0) {
    *reason = status == cudaSuccess ? "no CUDA device" : cudaGetErrorString(status);
    return false;
  }
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, 0), "asking for the device");
  *reason = properties.name;
  return true;
}

std::unique_ptr<Backend> make_cuda_backend() { return std::make_unique<CudaBackend>(); }

}  // namespace lutra::engine
