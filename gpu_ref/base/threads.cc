#include "lutra/base/threads.h"

#include <chrono>

namespace lutra::base {
namespace {

/// Gives others the processor until something has come about, but not for long.
template <typename Predicate>
void look_for(const Predicate& has_come) {
  constexpr std::chrono::microseconds kMoment(50);
  const auto end = std::chrono::steady_clock::now() + kMoment;
  while (!has_come() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

}  // namespace

int thread_count(int jobs) {
  return jobs > 0 ? jobs : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

ThreadPool& ThreadPool::of_process() {
  static ThreadPool pool;
  return pool;
}

void ThreadPool::run(int helpers, const std::function<void()>& loop) {
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

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ends_ = true;
  }
  has_calls_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::work() {
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

}  // namespace lutra::base
