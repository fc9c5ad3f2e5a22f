#ifndef LUTRA_NUMERICS_ERROR_H_
#define LUTRA_NUMERICS_ERROR_H_

#include <stdexcept>
#include <string>

namespace lutra {

/// Exit codes of every Lutra program; docs/guide/commands.md says the same in prose.
enum class ExitCode {
  kPass = 0,
  kMismatch = 1,     ///< the run completed and two levels disagree
  kUsage = 2,        ///< the user's input is wrong: option, file, value
  kMissingTool = 3,  ///< a tool, Liberty file or data set is not on this machine
  kUnsupported = 4,  ///< legal input that this version does not handle
  kInternal = 70,    ///< our bug
  kSkipped = 77,     ///< nothing was run, with the reason on stderr
};

/// What every layer throws: where, what was found, what is allowed; with the exit code it ends in.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& what) : std::runtime_error(what), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

}  // namespace lutra

#endif  // LUTRA_NUMERICS_ERROR_H_
