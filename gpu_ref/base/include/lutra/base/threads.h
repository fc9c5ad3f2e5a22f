#ifndef LUTRA_BASE_THREADS_H_
#define LUTRA_BASE_THREADS_H_

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace lutra::base {

/// `jobs`, or for 0 and below the number of cores.
int thread_count(int jobs);

/// Threads that sleep between calls: to make one takes as long as a small matrix product. Before
/// they sleep they look for the next call for a moment, since calls may come faster than threads
/// wake up. There are as many as the largest call so far wanted; they end with the process.
class ThreadPool {
 public:
  static ThreadPool& of_process();

  /// Runs `loop` on the calling thread and on up to `helpers` others, and returns when all have
  /// ended. What the others are too busy for is left to the caller: calls may be nested, and come
  /// from several threads.
  /// @param loop  throws nothing
  void run(int helpers, const std::function<void()>& loop);

  ~ThreadPool();

 private:
  struct Call {
    const std::function<void()>* loop;
    int wanted;                   ///< threads that may still join
    std::atomic<int> running{0};  ///< of those that have
  };

  ThreadPool() = default;

  void work();

  std::mutex mutex_;
  std::condition_variable has_calls_;
  std::condition_variable has_ended_;
  std::deque<Call*> calls_;      // that want more threads
  std::atomic<int> waiting_{0};  // how many
  std::vector<std::thread> threads_;
  bool ends_ = false;
};

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
  if (jobs > 1) {
    ThreadPool::of_process().run(jobs - 1, loop);
  } else {
    loop();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace lutra::base

#endif  // LUTRA_BASE_THREADS_H_
