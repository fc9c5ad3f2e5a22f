#include "checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/sha256.h"
#include "lutra/graph/network.h"

namespace lutra::training {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "lutra checkpoint, version 1\n";

/// Names in an archive must not contain dots.
std::string best_name(std::string parameter) {
  std::replace(parameter.begin(), parameter.end(), '.', '_');
  return "best_" + parameter;
}

/// Where two keys differ, one "name = found, this run has expected" each.
std::string differences(const nlohmann::json& found, const nlohmann::json& expected) {
  std::string text;
  for (const auto& [name, value] : expected.items()) {
    const nlohmann::json other = found.contains(name) ? found.at(name) : nlohmann::json();
    if (other == value) continue;
    // A whole network is too long for a message; its name is a part of its own.
    text += (text.empty() ? "" : "; ") +
            (value.is_object() || other.is_object()
                 ? name
                 : fmt::format("{} = {}, this run has {}", name, other.dump(), value.dump()));
  }
  return text;
}

bool has_shape(const torch::Tensor& tensor, const std::vector<size_t>& shape) {
  return tensor.scalar_type() == torch::kFloat &&
         std::equal(shape.begin(), shape.end(), tensor.sizes().begin(), tensor.sizes().end(),
                    [](size_t a, int64_t b) { return static_cast<int64_t>(a) == b; });
}

}  // namespace

Checkpoint::Checkpoint(fs::path path, nlohmann::json key)
    : path_(std::move(path)), key_(std::move(key)) {}

void Checkpoint::save(NetworkModule& model, torch::optim::Adam& optimizer,
                      const graph::FloatWeights& best, const nlohmann::json& state) const {
  if (path_.empty()) return;
  torch::serialize::OutputArchive archive;
  torch::serialize::OutputArchive model_archive, optimizer_archive;
  model->save(model_archive);
  optimizer.save(optimizer_archive);
  archive.write("model", model_archive);
  archive.write("optimizer", optimizer_archive);
  for (const auto& [name, tensor] : best) {
    const std::vector<int64_t> sizes(tensor.shape.begin(), tensor.shape.end());
    archive.write(best_name(name), torch::tensor(tensor.values).reshape(sizes));
  }
  archive.write("state", torch::IValue(state.dump()));
  std::ostringstream bytes;
  archive.save_to(bytes);
  const std::string payload = bytes.str();
  const nlohmann::json header = {{"key", key_},
                                 {"sha256", base::sha256_hex(key_.dump() + payload)}};
  base::write_file(path_, kFormat + header.dump() + "\n" + payload);
}

bool Checkpoint::load(const graph::Network& description, NetworkModule& model,
                      torch::optim::Adam& optimizer, graph::FloatWeights* best,
                      nlohmann::json* state,
                      const std::function<void(const std::string&)>& progress) const {
  if (path_.empty() || !fs::exists(path_)) return false;
  const std::string bytes = base::read_file(path_);
  const auto damaged = [&](const std::string& what) {
    progress(fmt::format("{}: damaged ({}); training starts anew", path_.string(), what));
    return false;
  };
  const std::string format = kFormat;
  if (bytes.compare(0, format.size(), format) != 0) {
    if (bytes.compare(0, 2, "PK") != 0) return damaged("not a checkpoint");
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: an archive that does not say which run it is of, expected a "
                            "checkpoint of this run; use another --out, or --restart",
                            path_.string()));
  }
  const size_t end = bytes.find('\n', format.size());
  if (end == std::string::npos) return damaged("cut off");
  const nlohmann::json header = nlohmann::json::parse(
      bytes.substr(format.size(), end - format.size()), nullptr, /*allow_exceptions=*/false);
  if (!header.is_object() || !header.contains("key") || !header.at("key").is_object() ||
      !header.contains("sha256") || !header.at("sha256").is_string()) {
    return damaged("no header");
  }
  const std::string payload = bytes.substr(end + 1);
  // Before the keys are compared: in a damaged file, that may be what is damaged.
  if (header.at("sha256") != base::sha256_hex(header.at("key").dump() + payload)) {
    return damaged("wrong checksum");
  }
  if (header.at("key") != key_) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("{}: the checkpoint of another run: {}; use another --out, or "
                            "--restart to train anew here",
                            path_.string(), differences(header.at("key"), key_)));
  }
  try {
    torch::serialize::InputArchive archive, model_archive, optimizer_archive;
    archive.load_from(payload.data(), payload.size());
    archive.read("model", model_archive);
    archive.read("optimizer", optimizer_archive);
    graph::FloatWeights weights;
    for (const auto& [name, parameter] : graph::parameters(description)) {
      const std::vector<size_t>& shape = parameter.shape;
      torch::Tensor value;
      archive.read(best_name(name), value);
      if (!has_shape(value, shape)) return damaged("weights of another shape");
      const torch::Tensor whole = value.contiguous();
      weights[name] = {shape, std::vector<float>(whole.data_ptr<float>(),
                                                 whole.data_ptr<float>() + whole.numel())};
    }
    torch::IValue text;
    archive.read("state", text);
    nlohmann::json read = nlohmann::json::parse(text.toStringRef());
    // Into a model of its own: libtorch takes tensors of any shape.
    NetworkModule loaded(description);
    loaded->load(model_archive);
    graph::check_weights(description, loaded->weights());
    model->set_weights(loaded->weights());
    optimizer.load(optimizer_archive);
    *best = std::move(weights);
    *state = std::move(read);
  } catch (const c10::Error& error) {
    return damaged(error.what_without_backtrace());
  } catch (const nlohmann::json::exception& error) {
    return damaged(error.what());
  } catch (const Error& error) {
    return damaged(error.what());
  }
  return true;
}

}  // namespace lutra::training
