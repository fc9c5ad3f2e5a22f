#include "energy/operand_sampler.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace lutra::studies {
namespace {

constexpr int64_t kLeast = 4;    ///< sequences of a step, image and unit
constexpr int64_t kColumns = 2;  ///< the same of a column's adders, which are slow to simulate

/// Sorts the draws of a stream.
template <typename Stream>
void sort_draws(Stream* stream) {
  std::sort(stream->draws.begin(), stream->draws.end(),
            [](const auto& a, const auto& b) { return a.start < b.start; });
}

/// A number below `limit`, the same on every machine: std::uniform_int_distribution is not.
uint64_t below(std::mt19937_64* random, uint64_t limit) {
  return limit == 0 ? 0 : (*random)() % limit;
}

}  // namespace

int64_t WorkCounter::Step::products() const {
  int64_t sum = 0;
  for (const auto& column : rows) sum += std::accumulate(column.begin(), column.end(), int64_t{0});
  return sum;
}

void WorkCounter::column(const std::string& step, int col, int rows, const int8_t*, const int8_t*,
                         const int16_t*, int32_t) {
  std::vector<std::vector<uint8_t>>& columns = steps[step].rows;
  if (columns.size() <= static_cast<size_t>(col)) columns.resize(static_cast<size_t>(col) + 1);
  columns[static_cast<size_t>(col)].push_back(static_cast<uint8_t>(rows));
}

void WorkCounter::requantise(const std::string& step, int col, int32_t, int, bool, bool, int8_t) {
  std::vector<int64_t>& columns = steps[step].requantised;
  if (columns.size() <= static_cast<size_t>(col)) columns.resize(static_cast<size_t>(col) + 1);
  ++columns[static_cast<size_t>(col)];
}

void WorkCounter::squash(const std::string& step, const int8_t*, int, int, bool) {
  ++steps[step].squashed;
}

void WorkCounter::softmax(const std::string& step, const int8_t*, int, int) {
  ++steps[step].softmaxed;
}

OperandSampler::OperandSampler(const WorkCounter& work, int samples, uint64_t seed, int image) {
  int64_t all = 0;
  for (const auto& [name, step] : work.steps) all += step.products();
  for (const auto& [name, step] : work.steps) {
    std::seed_seq entropy(name.begin(), name.end());
    std::vector<uint32_t> mixed(4);
    entropy.generate(mixed.begin(), mixed.end());
    std::mt19937_64 random(seed * 0x9e3779b97f4a7c15ULL + (uint64_t{mixed[0]} << 32 | mixed[1]) +
                           static_cast<uint64_t>(image) * 0xd1342543de82ef95ULL);
    Streams& streams = steps_[name];
    streams.columns.resize(step.rows.size());
    streams.requantisers.resize(step.requantised.size());

    const int64_t products = step.products();
    // Cycles of all columns one after the other, each as often as it has PEs in use.
    std::vector<int64_t> behind;  // products up to and with each cycle
    std::vector<std::pair<size_t, int64_t>> place;
    int64_t sum = 0;
    for (size_t col = 0; col < step.rows.size(); ++col) {
      for (size_t cycle = 0; cycle < step.rows[col].size(); ++cycle) {
        sum += step.rows[col][cycle];
        behind.push_back(sum);
        place.emplace_back(col, static_cast<int64_t>(cycle));
      }
    }
    const int64_t wanted =
        products == 0
            ? 0
            : std::max(kLeast, samples * products / std::max<int64_t>(1, all) / kTransitions);
    for (int64_t n = 0; n < wanted; ++n) {
      const auto chosen = static_cast<int64_t>(below(&random, static_cast<uint64_t>(sum)));
      const auto at = static_cast<size_t>(std::upper_bound(behind.begin(), behind.end(), chosen) -
                                          behind.begin());
      const auto [col, cycle] = place[at];
      const int row = static_cast<int>(behind[at] - 1 - chosen);
      streams.columns[col].draws.push_back({cycle, row, streams.sample.pairs.size()});
      streams.sample.pairs.emplace_back();
      if (n >= kColumns) continue;
      streams.columns[col].draws.push_back({cycle, -1, streams.sample.columns.size()});
      streams.sample.columns.emplace_back();
    }
    const int64_t words =
        std::accumulate(step.requantised.begin(), step.requantised.end(), int64_t{0});
    for (int64_t n = 0; n < (words == 0 ? 0 : kLeast); ++n) {
      auto chosen = static_cast<int64_t>(below(&random, static_cast<uint64_t>(words)));
      size_t col = 0;
      while (chosen >= step.requantised[col]) chosen -= step.requantised[col++];
      streams.requantisers[col].draws.push_back({chosen, -1, streams.sample.requantised.size()});
      streams.sample.requantised.emplace_back();
    }
    const auto vectors = [&](int64_t count, Stream* stream,
                             std::vector<std::vector<StepSample::Vector>>* sequences) {
      for (int64_t n = 0; n < (count == 0 ? 0 : 2 * kLeast); ++n) {
        const int64_t last = std::max<int64_t>(0, count - kVectors - 1);
        stream->draws.push_back(
            {static_cast<int64_t>(below(&random, static_cast<uint64_t>(last + 1))), -1,
             sequences->size()});
        sequences->emplace_back();
      }
      sort_draws(stream);
    };
    vectors(step.squashed, &streams.squash, &streams.sample.squashed);
    vectors(step.softmaxed, &streams.softmax, &streams.sample.softmaxed);
    for (Stream& stream : streams.columns) sort_draws(&stream);
    for (Stream& stream : streams.requantisers) sort_draws(&stream);
  }
}

OperandSampler::Streams& OperandSampler::of(const std::string& step) {
  if (last_name_ != &step || last_ == nullptr) {  // names live as long as the program
    last_name_ = &step;
    last_ = &steps_.at(step);
  }
  return *last_;
}

/// Calls take(draw) for every sequence that the stream's operation belongs to; false ends it.
template <typename Take>
void OperandSampler::advance(Stream* stream, int transitions, const Take& take) {
  while (stream->next < stream->draws.size() && stream->draws[stream->next].start == stream->at) {
    stream->active.push_back(stream->draws[stream->next++]);
  }
  if (!stream->active.empty()) {
    stream->active.erase(std::remove_if(stream->active.begin(), stream->active.end(),
                                        [&](const Draw& draw) {
                                          return !take(draw) ||
                                                 stream->at - draw.start >= transitions;
                                        }),
                         stream->active.end());
  }
  ++stream->at;
}

void OperandSampler::column(const std::string& step, int col, int rows, const int8_t* first,
                            const int8_t* second, const int16_t* products, int32_t acc) {
  Streams& streams = of(step);
  advance(&streams.columns[static_cast<size_t>(col)], kTransitions, [&](const Draw& draw) {
    if (draw.row >= rows) return false;  // the next tile does not use this PE
    if (draw.row >= 0) {
      streams.sample.pairs[draw.sequence].push_back({first[draw.row], second[draw.row]});
    } else {
      streams.sample.columns[draw.sequence].push_back(
          {std::vector<int16_t>(products, products + rows), acc,
           std::accumulate(products, products + rows, int32_t{0})});
    }
    return true;
  });
}

void OperandSampler::requantise(const std::string& step, int col, int32_t acc, int shift, bool relu,
                                bool accumulate, int8_t old) {
  Streams& streams = of(step);
  advance(&streams.requantisers[static_cast<size_t>(col)], kTransitions, [&](const Draw& draw) {
    streams.sample.requantised[draw.sequence].push_back({acc, shift, relu, accumulate, old});
    return true;
  });
}

void OperandSampler::squash(const std::string& step, const int8_t* elements, int dim, int frac,
                            bool norm_only) {
  Streams& streams = of(step);
  advance(&streams.squash, kVectors, [&](const Draw& draw) {
    streams.sample.squashed[draw.sequence].push_back({{elements, elements + dim}, frac, norm_only});
    return true;
  });
}

void OperandSampler::softmax(const std::string& step, const int8_t* logits, int n, int frac) {
  Streams& streams = of(step);
  advance(&streams.softmax, kVectors, [&](const Draw& draw) {
    streams.sample.softmaxed[draw.sequence].push_back({{logits, logits + n}, frac, false});
    return true;
  });
}

std::map<std::string, StepSample> OperandSampler::take() {
  std::map<std::string, StepSample> result;
  const auto keep = [](auto* sequences) {
    sequences->erase(std::remove_if(sequences->begin(), sequences->end(),
                                    [](const auto& sequence) { return sequence.size() < 2; }),
                     sequences->end());
  };
  for (auto& [name, streams] : steps_) {
    keep(&streams.sample.pairs);
    keep(&streams.sample.columns);
    keep(&streams.sample.requantised);
    result[name] = std::move(streams.sample);
  }
  return result;
}

}  // namespace lutra::studies
