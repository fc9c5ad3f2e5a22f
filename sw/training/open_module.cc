// The side of the command, which links no libtorch: see module.h.
#include <dlfcn.h>
#include <fmt/format.h>

#include <string>

#include "lutra/base/error.h"
#include "lutra/training/module.h"

namespace lutra::training {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "lutra_training.so";

const Module* open() {
  const fs::path path = module_path();
  // Local symbols: libtorch's libraries must not take the place of the command's own.
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    throw Error(ErrorKind::kUnavailable,
                fmt::format("training: {} cannot be opened: {}; expected libtorch (packages "
                            "libtorch-dev, libopenblas0-pthread)",
                            path.string(), dlerror()));
  }
  using Entry = const Module* (*)();
  const auto entry = reinterpret_cast<Entry>(dlsym(handle, kModuleSymbol));
  const Module* const module = entry == nullptr ? nullptr : entry();
  if (module == nullptr || std::string(module->version) != LUTRA_VERSION) {
    throw Error(ErrorKind::kUnavailable,
                fmt::format("training: {} is of {}, expected Lutra {}", path.string(),
                            module == nullptr ? "no version of Lutra"
                                              : std::string("Lutra ") + module->version,
                            LUTRA_VERSION));
  }
  return module;
}

}  // namespace

fs::path module_path() {
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& directory :
       {here, here.parent_path() / "lib", here.parent_path() / "lib" / "lutra"}) {
    if (fs::is_regular_file(directory / kFile, error)) return directory / kFile;
  }
  throw Error(ErrorKind::kUnavailable,
              fmt::format("training: {0} is neither in {1} nor in {2} nor in {2}/lutra; a build "
                          "makes it where libtorch is found (packages libtorch-dev, "
                          "libopenblas0-pthread)",
                          kFile, here.string(), (here.parent_path() / "lib").string()));
}

const Module& open_module() {
  static const Module* const kModule = open();
  return *kModule;
}

}  // namespace lutra::training
