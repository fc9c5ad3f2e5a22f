#ifndef LUTRA_BASE_BUILD_ID_H_
#define LUTRA_BASE_BUILD_ID_H_

#include <string>

namespace lutra::base {

/// What tells this build of the program from any other: the linker's build id, else the checksum of
/// the program's file. Part of the key of whatever a run keeps.
const std::string& build_id();

}  // namespace lutra::base

#endif  // LUTRA_BASE_BUILD_ID_H_
