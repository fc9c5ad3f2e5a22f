// Where a command finds its network.
#include <fmt/format.h>

#include "command.h"
#include "lutra/base/files.h"

namespace lutra::cli {

namespace fs = std::filesystem;

void ModelOption::add_to(CLI::App* app) {
  option_ = app->add_option("--model", directory_, "Directory of the int8 network")
                ->default_str(kDefault);
}

fs::path ModelOption::directory() const {
  if (option_->count() > 0) return directory_;
  std::error_code error;
  const fs::path models = base::own_path("share/lutra/models", LUTRA_MODELS_DIRECTORY);
  std::string places;
  for (const fs::path& place : {fs::path("models"), models}) {
    const fs::path model = place / fs::path(kDefault).lexically_relative("models");
    if (fs::is_regular_file(model / "network.json", error)) return model;
    places += (places.empty() ? "" : ", ") + fs::absolute(model).string();
  }
  throw Error(ErrorKind::kInvalidArgument,
              fmt::format("--model: the default network {} is in none of {}; expected --model DIR",
                          kDefault, places));
}

}  // namespace lutra::cli
