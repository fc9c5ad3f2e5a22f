#include "lutra/studies/components.h"
#include "street/unit_store.h"

namespace lutra::studies {

std::string right_with_exact(const std::filesystem::path& model,
                             const network::QuantisedNetwork& network, const network::Dataset& data,
                             ComponentStore* store, const network::EvaluateOptions& options) {
  const ComponentAssignment exact = assign(network.description, store, "exact", {});
  const int images = options.images == 0 ? data.size() : options.images;
  nlohmann::json key = {{"kind", "right with exact"},
                        {"network", content_of(model)},
                        {"data", data.sha256()},
                        {"images", images},
                        {"coupling", static_cast<int>(options.coupling)}};
  if (options.coupling == network::Coupling::kShuffled) key["seed"] = options.seed;
  for (const auto& [operation, component] : exact) key["tables"][operation] = component->lut_sha256;
  UnitStore units(
      synth::default_cache_dir() / "accuracy",
      options.progress ? options.progress : [](const std::string&) {});
  const nlohmann::json value = units.get(
      "accuracy of exact", key,
      [&]() -> nlohmann::json {
        return right_text(
            network::evaluate(network::Inference(network, tables(exact)), data, options));
      },
      [images](const nlohmann::json& kept) {
        return kept.is_string() && kept.get<std::string>().size() == static_cast<size_t>(images);
      });
  return value.get<std::string>();
}

std::string right_text(const network::EvaluateResult& result) {
  std::string text;
  for (const char right : result.is_right) text += right ? '1' : '0';
  return text;
}

}  // namespace lutra::studies
