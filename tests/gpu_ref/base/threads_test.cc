// Loops over indices on threads.
#include "lutra/base/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace lutra::base {
namespace {

/// How often each of `count` indices is worked on.
std::vector<int> visits(int count, int piece, int jobs) {
  std::vector<std::atomic<int>> times(count);
  parallel_for(count, piece, jobs, [&](int begin, int end) {
    EXPECT_LE(end - begin, piece);
    for (int i = begin; i < end; ++i) ++times[i];
  });
  return {times.begin(), times.end()};
}

TEST(ParallelFor, WorksOnEachIndexOnce) {
  for (const int jobs : {0, 1, 2, 7}) {
    for (const int count : {1, 2, 13, 1000}) {
      for (const int piece : {1, 3, 5000}) {
        EXPECT_EQ(visits(count, piece, jobs), std::vector<int>(count, 1));
      }
    }
  }
  EXPECT_TRUE(visits(0, 1, 4).empty());
}

TEST(ParallelFor, TakesAsManyThreadsAsItIsGiven) {
  // Each piece waits for the other two: with fewer threads this would not end.
  std::atomic<int> arrived{0};
  parallel_for(3, 1, 3, [&](int, int) {
    ++arrived;
    while (arrived < 3) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 3);
}

TEST(ParallelFor, IsCalledFromWithinAndFromManyThreads) {
  constexpr int kCallers = 4;
  constexpr int kRounds = 200;
  std::atomic<int> right{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < kCallers; ++t) {
    callers.emplace_back([&right] {
      for (int round = 0; round < kRounds; ++round) {
        std::atomic<int> sum{0};
        parallel_for(5, 1, 3, [&](int outer, int) {
          parallel_for(4, 1, 2, [&](int inner, int) { sum += 4 * outer + inner; });
        });
        right += sum == 19 * 20 / 2;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right, kCallers * kRounds);
}

TEST(ParallelFor, RethrowsWhatWorkThrew) {
  for (const int jobs : {1, 3}) {
    EXPECT_THROW(parallel_for(100, 1, jobs,
                              [](int begin, int) {
                                if (begin == 7) throw std::runtime_error("seven");
                              }),
                 std::runtime_error);
    EXPECT_EQ(visits(9, 2, jobs), std::vector<int>(9, 1)) << "the threads go on after it";
  }
}

}  // namespace
}  // namespace lutra::base
