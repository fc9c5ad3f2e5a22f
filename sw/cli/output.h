#ifndef LUTRA_CLI_OUTPUT_H_
#define LUTRA_CLI_OUTPUT_H_

#include <filesystem>
#include <optional>
#include <string>

#include "lutra/base/lock_file.h"

namespace lutra::cli {

/// Makes file descriptors 0 to 2 stand for something, so that no file that is opened later takes
/// the place of a closed stdout. Call first.
void open_standard_streams();

/// Writes all of `text` to stdout.
/// @throws Error kInvalidArgument if it cannot: a full disk, a closed stdout
void print(const std::string& text);

/// From here on a signal that ends the command (SIGINT, SIGTERM, SIGHUP) says on stderr that the
/// same command goes on with what is done.
void say_that_it_goes_on();

/// A command's output directory, made and held for this run alone, or for the shards of one study.
/// The lock (DIR/.lutra.lock) goes with the process, however it ends.
class OutputDirectory {
 public:
  /// @throws Error kInvalidArgument if it cannot be made or written, or another run writes into it
  OutputDirectory(const std::filesystem::path& directory, bool is_shared);

 private:
  std::optional<base::LockFile> lock_;
};

}  // namespace lutra::cli

#endif  // LUTRA_CLI_OUTPUT_H_
