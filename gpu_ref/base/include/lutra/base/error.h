#ifndef LUTRA_BASE_ERROR_H_
#define LUTRA_BASE_ERROR_H_

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lutra {

/// What went wrong, by what can be done about it. Each program maps kinds to its exit codes once
/// (sw/cli/exit_code.h, gpu_ref/c/lutra.cc).
enum class ErrorKind {
  kMismatch,         ///< two levels disagree, or could not be compared
  kInvalidArgument,  ///< an option, a value, the contents of a file: the user's to mend
  kNotFound,         ///< a file or directory that was named is not there
  kUnavailable,      ///< a tool, library, data set or device is not on this machine
  kUnimplemented,    ///< legal, but this version or a tool that it uses cannot do it
  kExhausted,        ///< memory, disk space, or a limit on time or size
  kDataLoss,         ///< what was written whole cannot be read back whole
  kInternal,         ///< our bug, or a fault of the machine
};

/// "mismatch", "invalid argument", ...
std::string_view error_kind_name(ErrorKind kind);
/// The kind of that name; nothing for another.
std::optional<ErrorKind> error_kind(std::string_view name);

/// What every layer throws: where, what was found, what is allowed.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& what) : std::runtime_error(what), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// The kind of a failed system call by its errno: a full disk is kExhausted, a missing file
/// kNotFound, a fault of the disk kDataLoss; all else, permissions among them, is
/// kInvalidArgument, as it is the place that was chosen wrongly.
ErrorKind error_kind_of_errno(int number);

}  // namespace lutra

#endif  // LUTRA_BASE_ERROR_H_
