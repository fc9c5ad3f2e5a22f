#include "lutra/runtime/evaluate.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>

#include "lutra/base/threads.h"
#include "lutra/data/dataset.h"

namespace lutra::runtime {

EvaluateResult evaluate(const Inference& inference, const data::Dataset& data,
                        const EvaluateOptions& options) {
  const int images = options.images == 0 ? data.size() : options.images;
  check_images(inference.network().description, data, 0, images);
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  EvaluateResult result;
  result.images = images;
  result.is_right.assign(static_cast<size_t>(images), 0);
  const auto backend = engine::make_backend(options.backend, 1);
  result.backend = backend->name();
  // A device wants large batches from one thread; on the CPU, a register of lanes stays in the
  // cache.
  const bool on_device = result.backend == "cuda";
  const int batch = on_device ? 500 : 64;
  std::atomic<int> right{0};
  std::atomic<int> done{0};
  std::mutex mutex;
  double next_line = 5;
  std::vector<std::unique_ptr<InferenceState>> idle;  // kept from batch to batch
  base::parallel_for(images, batch, on_device ? 1 : options.jobs, [&](int begin, int end) {
    std::unique_ptr<InferenceState> state;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      if (!idle.empty()) {
        state = std::move(idle.back());
        idle.pop_back();
      }
    }
    if (state == nullptr) state = std::make_unique<InferenceState>();
    std::vector<int8_t>& input = state->tensors[inference.steps().input];
    input.clear();
    for (int i = begin; i < end; ++i) {
      const std::vector<int8_t> image = data::quantise_image(data, i);
      input.insert(input.end(), image.begin(), image.end());
    }
    inference.run(*backend, end - begin, state.get(), options.hooks, begin);
    const std::vector<int8_t>& classes = state->tensors.at(inference.steps().output());
    for (int i = begin; i < end; ++i) {
      result.is_right[i] = classes[i - begin] == data.labels[i];
      right += result.is_right[i];
    }
    done += end - begin;
    const std::lock_guard<std::mutex> lock(mutex);
    idle.push_back(std::move(state));
    if (options.progress && elapsed() > next_line) {
      next_line = elapsed() + 5;
      options.progress(fmt::format("{}/{} images, accuracy {:.4f}, {:.0f} s", done.load(), images,
                                   static_cast<double>(right) / done, elapsed()));
    }
  });
  result.right = right;
  result.accuracy = static_cast<double>(right) / images;
  result.seconds = elapsed();
  return result;
}

}  // namespace lutra::runtime
