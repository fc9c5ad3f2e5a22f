#ifndef LUTRA_NUMERICS_PARALLEL_H_
#define LUTRA_NUMERICS_PARALLEL_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace lutra::numerics {

/// `jobs`, or for 0 and below the number of cores.
inline int thread_count(int jobs) {
  return jobs > 0 ? jobs : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

/// Threads that sleep between calls: to make one takes as long as a small matrix product. Before
/// they sleep they look for the next call for a moment, since calls may come faster than threads
/// wake up. There are as many as the largest call so far wanted; they end with the process.
class ThreadPool {
 public:
  static ThreadPool& of_process() {
    static ThreadPool pool;
    return pool;
  }

  /// Runs `loop` on the calling thread and on up to `helpers` others, and returns when all have
  /// ended. What the others are too busy for is left to the caller: calls may be nested, and come
  /// from several threads.
  /// @param loop  throws nothing
  void run(int helpers, const std::function<void()>& loop) {
    Call call{&loop, helpers};
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      while (static_cast<int>(threads_.size()) < helpers) {
        threads_.emplace_back([this] { work(); });
      }
      calls_.push_back(&call);
      waiting_ = static_cast<int>(calls_.size());
    }
    for (int i = 0; i < helpers; ++i) has_calls_.notify_one();
    loop();
    std::unique_lock<std::mutex> lock(mutex_);
    const auto at = std::find(calls_.begin(), calls_.end(), &call);
    if (at != calls_.end()) calls_.erase(at);
    waiting_ = static_cast<int>(calls_.size());
    lock.unlock();
    look_for([&call] { return call.running == 0; });
    lock.lock();
    has_ended_.wait(lock, [&call] { return call.running == 0; });
  }

  ~ThreadPool() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ends_ = true;
    }
    has_calls_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  struct Call {
    const std::function<void()>* loop;
    int wanted;                   ///< threads that may still join
    std::atomic<int> running{0};  ///< of those that have
  };

  ThreadPool() = default;

  /// Gives others the processor until something has come about, but not for long.
  template <typename Predicate>
  static void look_for(const Predicate& has_come) {
    constexpr std::chrono::microseconds kMoment(50);
    const auto end = std::chrono::steady_clock::now() + kMoment;
    while (!has_come() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  }

  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      lock.unlock();
      look_for([this] { return waiting_ > 0; });
      lock.lock();
      has_calls_.wait(lock, [this] { return ends_ || !calls_.empty(); });
      if (ends_) return;
      Call& call = *calls_.front();
      ++call.running;
      if (--call.wanted == 0) calls_.pop_front();
      waiting_ = static_cast<int>(calls_.size());
      lock.unlock();
      (*call.loop)();
      lock.lock();
      if (--call.running == 0) has_ended_.notify_all();
    }
  }

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

}  // namespace lutra::numerics

#endif  // LUTRA_NUMERICS_PARALLEL_H_
