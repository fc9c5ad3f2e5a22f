#include "matrix/matrix_product.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "lutra/base/threads.h"

namespace lutra::engine {
namespace {

/// The images with their padding around them, so that every row of a convolution is whole.
std::vector<int8_t> padded_images(const Conv2dArgs& args, int jobs) {
  const int height = args.height + args.vertical.pad_before + args.vertical.pad_after;
  const int64_t pitch =
      int64_t{args.horizontal.pad_before + args.width + args.horizontal.pad_after} *
      args.in_channels;
  const int64_t bytes = int64_t{args.width} * args.in_channels;
  std::vector<int8_t> padded(static_cast<size_t>(args.images * height * pitch), args.pad_value);
  base::parallel_for(args.images, 16, jobs, [&](int begin, int end) {
    for (int64_t n = begin; n < end; ++n) {
      int8_t* to = padded.data() + (n * height + args.vertical.pad_before) * pitch +
                   int64_t{args.horizontal.pad_before} * args.in_channels;
      const int8_t* from = args.input + n * args.height * bytes;
      for (int y = 0; y < args.height; ++y, to += pitch, from += bytes) {
        std::memcpy(to, from, static_cast<size_t>(bytes));
      }
    }
  });
  return padded;
}

/// First sums of a convolution whose padding contributes nothing, although it is multiplied like
/// any operand: what it will add is taken off beforehand.
class PaddingCorrection {
 public:
  explicit PaddingCorrection(const Conv2dArgs& args) : outputs_(args.out_channels) {
    const int kernel_y = args.vertical.kernel;
    const int kernel_x = args.horizontal.kernel;
    const int channels = args.in_channels / args.groups;
    // What the taps contribute where they lie outside.
    std::vector<int32_t> tap(static_cast<size_t>(kernel_y) * kernel_x * outputs_, 0);
    for (int o = 0; o < outputs_; ++o) {
      for (int k = 0; k < kernel_y * kernel_x; ++k) {
        for (int c = 0; c < channels; ++c) {
          tap[k * outputs_ + o] += args.products(
              args.pad_value, args.weight[(int64_t{o} * kernel_y * kernel_x + k) * channels + c]);
        }
      }
    }
    rows_ = classes(args.vertical, args.height, args.out_height());
    columns_ = classes(args.horizontal, args.width, args.out_width());
    sums_.resize(rows_.inside.size() * columns_.inside.size() * outputs_);
    for (size_t cy = 0; cy < rows_.inside.size(); ++cy) {
      for (size_t cx = 0; cx < columns_.inside.size(); ++cx) {
        int32_t* sums = &sums_[(cy * columns_.inside.size() + cx) * outputs_];
        for (int o = 0; o < outputs_; ++o) sums[o] = args.bias == nullptr ? 0 : args.bias[o];
        for (int ky = 0; ky < kernel_y; ++ky) {
          for (int kx = 0; kx < kernel_x; ++kx) {
            if (rows_.inside[cy][ky] && columns_.inside[cx][kx]) continue;
            for (int o = 0; o < outputs_; ++o) sums[o] -= tap[(ky * kernel_x + kx) * outputs_ + o];
          }
        }
      }
    }
  }

  /// [out_channels]
  const int32_t* at(int y, int x) const {
    return &sums_[(rows_.of[y] * columns_.inside.size() + columns_.of[x]) * outputs_];
  }

 private:
  /// Positions along an axis by which of their taps lie inside.
  struct Classes {
    std::vector<std::vector<bool>> inside;  ///< [class][tap]
    std::vector<size_t> of;                 ///< [position] class
  };
  static Classes classes(const Window& window, int size, int positions) {
    Classes result;
    std::map<std::vector<bool>, size_t> known;
    for (int i = 0; i < positions; ++i) {
      std::vector<bool> inside(window.kernel);
      for (int k = 0; k < window.kernel; ++k) {
        inside[k] = window.element(i, k) >= 0 && window.element(i, k) < size;
      }
      const auto [at, is_new] = known.try_emplace(inside, result.inside.size());
      if (is_new) result.inside.push_back(inside);
      result.of.push_back(at->second);
    }
    return result;
  }

  int outputs_;
  Classes rows_;
  Classes columns_;
  std::vector<int32_t> sums_;
};

bool is_padded(const Window& window) { return window.pad_before > 0 || window.pad_after > 0; }

Destination moved(Destination to, int64_t by) {
  if (to.output != nullptr) to.output += by;
  if (to.sums != nullptr) to.sums += by;
  return to;
}

}  // namespace

void MatrixBackend::multiply(const MatrixProduct& m, int jobs) const {
  jobs = base::thread_count(jobs);
  constexpr int64_t kWorthAThread = 1 << 20;  // products
  const int64_t products = m.rows * m.outputs * m.terms();
  jobs = static_cast<int>(std::min<int64_t>(jobs, products / kWorthAThread + 1));
  constexpr int kMinOutputs = 16;
  const int output_blocks = (m.outputs + kMinOutputs - 1) / kMinOutputs;
  const int least_rows = output_blocks < jobs ? kTileRows : min_rows_per_task(m);
  const int64_t row_blocks = (m.rows + least_rows - 1) / least_rows;
  if (jobs == 1 || row_blocks >= jobs) {
    const auto prepared = prepare(m, jobs);
    // A few chunks a thread, so that all end at the same time.
    const int64_t chunks = jobs == 1 ? 1 : std::min<int64_t>(row_blocks, 4 * jobs);
    const int64_t chunk = (row_blocks + chunks - 1) / chunks * least_rows;
    base::parallel_for(static_cast<int>((m.rows + chunk - 1) / chunk), 1, jobs, [&](int p, int) {
      multiply(m, prepared.get(), p * chunk, std::min(m.rows, (p + 1) * chunk));
    });
    return;
  }
  // Few rows: the outputs are divided among the threads.
  const int chunk = (output_blocks + jobs - 1) / jobs * kMinOutputs;
  base::parallel_for(m.outputs, chunk, jobs, [&](int begin, int end) {
    MatrixProduct part = m;
    part.outputs = end - begin;
    part.weight += int64_t{begin} * m.terms();
    if (part.bias != nullptr) part.bias += begin;
    if (m.initial_sums) {
      part.initial_sums = [&m, begin](int64_t row) { return m.initial_sums(row) + begin; };
    }
    part.to = moved(m.to, begin);
    multiply(part, prepare(part, 1).get(), 0, part.rows);
  });
}

void MatrixBackend::run(const GemmArgs& args) {
  MatrixProduct m;
  m.outputs = args.outputs;
  m.segment_offsets = {0};
  m.segment_bytes = args.terms;
  m.bias = args.bias;
  m.multiplier = args.products.multiplier;
  m.pitch = args.outputs;
  const int matrices = args.shared_second ? 1 : args.batch;
  m.maps = FeatureMaps::find(*m.multiplier, operands_of(args));
  m.rows = args.shared_second ? int64_t{args.batch} * args.rows : args.rows;
  // Of many small matrices each is computed by one thread.
  const bool many = matrices > base::thread_count(jobs());
  base::parallel_for(matrices, 1, many ? jobs() : 1, [&](int i, int) {
    MatrixProduct one = m;
    const int8_t* first = args.first + int64_t{i} * args.rows * args.terms;
    one.row_start = [first, &args](int64_t row) { return first + row * args.terms; };
    one.weight = args.second + int64_t{i} * args.outputs * args.terms;
    one.to = moved(args.to, int64_t{i} * args.rows * args.outputs);
    multiply(one, many ? 1 : jobs());
  });
}

void MatrixBackend::run(const Conv2dArgs& args) {
  const bool padded = is_padded(args.vertical) || is_padded(args.horizontal);
  std::vector<int8_t> copy;
  if (padded) copy = padded_images(args, jobs());
  const int8_t* input = padded ? copy.data() : args.input;
  const int height = args.height + args.vertical.pad_before + args.vertical.pad_after;
  const int width = args.width + args.horizontal.pad_before + args.horizontal.pad_after;
  const int out_height = args.out_height();
  const int out_width = args.out_width();
  const int channels = args.in_channels / args.groups;

  MatrixProduct m;
  m.rows = int64_t{args.images} * out_height * out_width;
  m.outputs = args.out_channels / args.groups;
  // A row of taps is one segment where its elements lie side by side.
  const bool together = args.groups == 1 && args.horizontal.dilation == 1;
  m.segment_bytes = together ? args.horizontal.kernel * channels : channels;
  for (int ky = 0; ky < args.vertical.kernel; ++ky) {
    for (int kx = 0; kx < (together ? 1 : args.horizontal.kernel); ++kx) {
      m.segment_offsets.push_back(
          (int64_t{ky} * args.vertical.dilation * width + int64_t{kx} * args.horizontal.dilation) *
          args.in_channels);
    }
  }
  m.multiplier = args.products.multiplier;
  m.maps = FeatureMaps::find(*m.multiplier, operands_of(args));
  m.pitch = args.out_channels;
  std::unique_ptr<PaddingCorrection> padding_correction;
  if (padded && args.padding == Padding::kNothing)
    padding_correction = std::make_unique<PaddingCorrection>(args);

  const bool many = args.groups > base::thread_count(jobs());
  base::parallel_for(args.groups, 1, many ? jobs() : 1, [&](int g, int) {
    MatrixProduct one = m;
    const int8_t* first = input + int64_t{g} * channels;
    one.row_start = [=, &args](int64_t row) {
      const int64_t x = row % out_width;
      const int64_t y = row / out_width % out_height;
      const int64_t n = row / out_width / out_height;
      return first +
             ((n * height + y * args.vertical.stride) * width + x * args.horizontal.stride) *
                 args.in_channels;
    };
    const int first_output = g * one.outputs;
    one.weight = args.weight + int64_t{first_output} * args.terms();
    if (args.bias != nullptr) one.bias = args.bias + first_output;
    if (padding_correction != nullptr) {
      one.initial_sums = [=, &padding_correction](int64_t row) {
        return padding_correction->at(static_cast<int>(row / out_width % out_height),
                                      static_cast<int>(row % out_width)) +
               first_output;
      };
    }
    one.to = moved(args.to, first_output);
    multiply(one, many ? 1 : jobs());
  });
}

void MatrixBackend::run(const VotesArgs& args) {
  const int outputs = args.classes * args.out_dim;
  constexpr int kCapsules = 8;  // at a time
  const FeatureMaps* maps = FeatureMaps::find(*args.products.multiplier, operands_of(args));
  base::parallel_for(args.capsules, kCapsules, jobs(), [&](int begin, int end) {
    std::vector<int8_t> weight(static_cast<size_t>(outputs) * args.in_dim);
    for (int i = begin; i < end; ++i) {
      const int8_t* source = args.weight + int64_t{i} * outputs * args.in_dim;
      for (int j = 0; j < args.classes; ++j) {
        for (int k = 0; k < args.in_dim; ++k) {
          for (int d = 0; d < args.out_dim; ++d) {
            weight[(j * args.out_dim + d) * args.in_dim + k] = *source++;
          }
        }
      }
      MatrixProduct m;
      m.rows = args.images;
      m.outputs = outputs;
      m.segment_offsets = {0};
      m.segment_bytes = args.in_dim;
      m.row_start = [&args, i](int64_t n) {
        return args.input + (n * args.capsules + i) * args.in_dim;
      };
      m.weight = weight.data();
      m.multiplier = args.products.multiplier;
      m.maps = maps;
      m.to.requantisation = Requantisation::to_int8(args.shift);
      m.to.output = args.output + int64_t{i} * outputs;
      m.pitch = int64_t{args.capsules} * outputs;
      multiply(m, 1);
    }
  });
}

void MatrixBackend::run(const AgreementArgs& args) {
  const int pairs = args.images * args.classes;
  const FeatureMaps* maps = FeatureMaps::find(*args.products.multiplier, operands_of(args));
  base::parallel_for(pairs, 8, jobs(), [&](int begin, int end) {
    std::vector<int32_t> sums(args.capsules);
    for (int nj = begin; nj < end; ++nj) {
      const int64_t first =
          int64_t{nj / args.classes} * args.capsules * args.classes + nj % args.classes;
      MatrixProduct m;
      m.rows = args.capsules;
      m.outputs = 1;
      m.segment_offsets = {0};
      m.segment_bytes = args.out_dim;
      m.row_start = [&args, first](int64_t i) {
        return args.votes + (first + i * args.classes) * args.out_dim;
      };
      m.weight = args.v + int64_t{nj} * args.out_dim;
      m.multiplier = args.products.multiplier;
      m.maps = maps;
      m.to.sums = sums.data();
      m.pitch = 1;
      multiply(m, 1);
      for (int i = 0; i < args.capsules; ++i) {
        const int64_t at = first + int64_t{i} * args.classes;
        args.output[at] = numerics::accumulate(args.before[at], sums[i], args.shift);
      }
    }
  });
}

}  // namespace lutra::engine
