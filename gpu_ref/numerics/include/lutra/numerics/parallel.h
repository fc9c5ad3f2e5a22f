#ifndef LUTRA_NUMERICS_PARALLEL_H_
#define LUTRA_NUMERICS_PARALLEL_H_

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace lutra::numerics {

/// `jobs`, or for 0 and below the number of cores.
inline int thread_count(int jobs) {
  return jobs > 0 ? jobs : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

/// Calls work(begin, end) for consecutive pieces of [0, count) on `jobs` threads (0: all cores).
/// The first exception is rethrown once all threads have ended.
template <typename Work>
void parallel_for(int count, int piece, int jobs, const Work& work) {
  const int pieces = count / piece + (count % piece != 0);
  jobs = std::min(thread_count(jobs), pieces);
  std::atomic<int> next{0};
  std::exception_ptr failure;
  std::mutex mutex;
  const auto loop = [&] {
    try {
      for (int begin = next.fetch_add(piece); begin < count; begin = next.fetch_add(piece)) {
        work(begin, std::min(count, begin + piece));
      }
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  std::vector<std::thread> threads;
  for (int t = 1; t < jobs; ++t) threads.emplace_back(loop);
  loop();
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace lutra::numerics

#endif  // LUTRA_NUMERICS_PARALLEL_H_
