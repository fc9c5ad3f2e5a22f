#include "lutra/graph/site.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

namespace lutra::graph {
namespace {

/// Taps that multiply, over all positions along an axis.
int64_t taps_of(const engine::Window& window, int size, bool outside_too) {
  int64_t taps = 0;
  for (int i = 0; i < window.outputs(size); ++i) {
    for (int k = 0; k < window.kernel; ++k) {
      const int at = window.element(i, k);
      taps += outside_too || (at >= 0 && at < size);
    }
  }
  return taps;
}

/// Walks the layers, knows the shape that the next one sees, and appends their sites.
class SiteList {
 public:
  explicit SiteList(const Network& network)
      : height_(network.height), width_(network.width), channels_(network.channels) {
    for (const Layer& layer : network.layers)
      std::visit([this](const auto& l) { append(l); }, layer);
  }

  std::vector<Site> take() { return std::move(sites_); }

 private:
  void append(const Conv2d& conv) {
    const engine::Window window = conv.window();
    const bool all = conv.padded == engine::Padding::kOperand;
    const int64_t taps = taps_of(window, height_, all) * taps_of(window, width_, all);
    height_ = window.outputs(height_);
    width_ = window.outputs(width_);
    channels_ = conv.out_channels;
    sites_.push_back({conv.name, "mac", 0, "mac", conv.kernel * conv.kernel * conv.in_channels,
                      taps * conv.out_channels * conv.in_channels, true, true});
  }

  void append(const Squash& squash) {
    sites_.push_back({squash.name, "squash", 0, "activation", squash.dim,
                      int64_t{height_} * width_ * channels_, false, false});
  }

  void append(const Votes& votes) {
    votes_ = &votes;
    sites_.push_back({votes.name, "mac", 0, "mac", votes.in_dim,
                      int64_t{votes.capsules} * votes.classes * votes.in_dim * votes.out_dim, true,
                      true});
  }

  void append(const Routing& routing) {
    const int64_t all = int64_t{votes_->capsules} * votes_->classes * votes_->out_dim;
    for (int t = 1; t <= routing.iterations; ++t) {
      sites_.push_back({routing.name, "sum", t, "mac", votes_->capsules, all, false, true});
      sites_.push_back({routing.name, "squash", t, "activation", votes_->out_dim,
                        int64_t{votes_->classes} * votes_->out_dim, false, false});
      if (t == routing.iterations) break;
      sites_.push_back({routing.name, "agreement", t, "logits", votes_->out_dim, all, false, true});
    }
  }

  void append(const Classify& classify) {
    sites_.push_back({classify.name, "mac", 0, "activation", votes_->out_dim,
                      int64_t{votes_->classes} * votes_->out_dim, false, false});
  }

  int height_;
  int width_;
  int channels_;
  const Votes* votes_ = nullptr;
  std::vector<Site> sites_;
};

bool is_wildcard(const std::string& pattern, const std::string& name) {
  return fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
}

}  // namespace

std::string Site::name() const {
  return iteration == 0 ? fmt::format("{}.{}", node, operation)
                        : fmt::format("{}.{}.{}", node, operation, iteration);
}

std::string Site::operation_name() const {
  return operation == "squash" ? "squash.mac" : fmt::format("{}.{}", node, operation);
}

std::vector<Site> sites(const Network& network) { return SiteList(network).take(); }

std::vector<std::string> operation_names(const std::vector<Site>& sites) {
  std::vector<std::string> names;
  for (const Site& site : sites) {
    const std::string name = site.operation_name();
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

Match match(const std::string& pattern, const Site& site) {
  if (pattern == site.name()) return Match::kName;
  const std::string all_iterations = fmt::format("{}.{}", site.node, site.operation);
  if (pattern == site.operation_name() || pattern == all_iterations) return Match::kOperation;
  for (const std::string& name : {site.name(), all_iterations, site.operation_name()}) {
    if (is_wildcard(pattern, name)) return Match::kWildcard;
  }
  return Match::kNone;
}

}  // namespace lutra::graph
