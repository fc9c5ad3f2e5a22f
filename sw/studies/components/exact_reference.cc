#include "lutra/data/dataset.h"
#include "lutra/graph/assignment.h"
#include "lutra/graph/quantised_network.h"
#include "lutra/run_store/run_store.h"
#include "lutra/runtime/evaluate.h"
#include "lutra/runtime/inference.h"
#include "lutra/runtime/tensor_hook.h"
#include "lutra/studies/component_store.h"

namespace lutra::studies {

std::string right_with_exact(const std::filesystem::path& model,
                             const graph::QuantisedNetwork& network, const data::Dataset& data,
                             ComponentStore* store, const runtime::EvaluateOptions& options) {
  const graph::Assignment exact = assign(network.description, store, "exact", {});
  const int images = options.images == 0 ? data.size() : options.images;
  nlohmann::json key = {{"kind", "right with exact"},
                        {"network", content_of(model)},
                        {"data", data.sha256()},
                        {"images", images},
                        {"hooks", nlohmann::json::array()}};
  for (const runtime::TensorHook& hook : options.hooks) key["hooks"].push_back(hook.key);
  key["tables"] = exact.by_label([](const synth::Component& c) { return c.lut_sha256; });
  RunStore store_of_exact(synth::default_cache_dir() / "accuracy", options.progress);
  const nlohmann::json value = store_of_exact.get(
      {"accuracy of exact", key,
       [&]() -> nlohmann::json {
         return right_text(runtime::evaluate(runtime::Inference(network, exact), data, options));
       },
       [images](const nlohmann::json& kept) {
         return kept.is_string() && kept.get<std::string>().size() == static_cast<size_t>(images);
       }});
  return value.get<std::string>();
}

std::string right_text(const runtime::EvaluateResult& result) {
  std::string text;
  for (const char right : result.is_right) text += right ? '1' : '0';
  return text;
}

}  // namespace lutra::studies
