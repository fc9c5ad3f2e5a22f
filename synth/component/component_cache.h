#ifndef LUTRA_COMPONENT_COMPONENT_CACHE_H_
#define LUTRA_COMPONENT_COMPONENT_CACHE_H_

#include <filesystem>
#include <functional>
#include <string>

#include "lutra/component/component.h"

namespace lutra::synth {

/// A component from the cache, or made by `build` in a directory of its own and put there.
/// @param key    of everything that its bytes depend on
/// @param build  writes all files of the component to the directory that it gets
Component cached_component(const std::string& name, const std::string& key,
                           const CharacterizeOptions& options,
                           const std::function<void(const std::filesystem::path&)>& build);

}  // namespace lutra::synth

#endif  // LUTRA_COMPONENT_COMPONENT_CACHE_H_
