#ifndef LUTRA_TRAINING_TRAIN_H_
#define LUTRA_TRAINING_TRAIN_H_

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "lutra/data/dataset.h"
#include "lutra/graph/network.h"

namespace lutra::training {

struct TrainOptions {
  int epochs = 24;
  int batch = 128;
  double learning_rate = 2e-3;  ///< Adam's, after a warm-up; falls to 0 along a cosine
  int validation = 5000;        ///< the last images of the training split, never trained on
  int shift = 2;                ///< images are shifted at random by up to so many pixels
  bool mirror = true;           ///< and half of them mirrored
  graph::FloatWeights initial;  ///< where to start; empty: at random weights
  uint64_t seed = 1;
  int threads = 0;                   ///< 0: all cores
  std::filesystem::path checkpoint;  ///< file that an interrupted run resumes from; empty: none
  bool restart = false;              ///< a checkpoint that is there already is written over
};

struct TrainResult {
  graph::FloatWeights weights;  ///< of the epoch that did best on the validation images
  nlohmann::json log;           ///< one object an epoch: loss, validation accuracy, seconds
  double validation_accuracy = 0;
};

/// Trains `description` on the training split.
/// @param progress  called with a line of text as the run goes on
/// @throws Error kInvalidArgument for options or images that do not fit, a checkpoint of another
/// run, or a loss that is no number, which leaves the checkpoint of the last good epoch
TrainResult train(const graph::Network& description, const data::Dataset& data,
                  const TrainOptions& options,
                  const std::function<void(const std::string&)>& progress);

/// Share of the images [first, first + count) whose longest class capsule is their label's.
/// @throws Error kInvalidArgument for images of another size, or that are not there
double float_accuracy(const graph::Network& description, const graph::FloatWeights& weights,
                      const data::Dataset& data, int first, int count);

}  // namespace lutra::training

#endif  // LUTRA_TRAINING_TRAIN_H_
