#ifndef LUTRA_CLI_EXIT_CODE_H_
#define LUTRA_CLI_EXIT_CODE_H_

#include "lutra/base/error.h"

namespace lutra::cli {

/// Exit codes of the command; docs/guide/commands.md says the same in prose.
enum class ExitCode {
  kPass = 0,
  kMismatch = 1,       ///< the run completed and two levels disagree, or were not compared
  kUsage = 2,          ///< the user's input is wrong: option, file, value
  kUnavailable = 3,    ///< a tool, Liberty file, data set or device is not on this machine
  kUnimplemented = 4,  ///< legal input that this version does not handle
  kExhausted = 5,      ///< memory, disk space, or a limit on time or size
  kDataLoss = 6,       ///< what was written whole cannot be read back whole
  kInternal = 70,      ///< our bug, or a fault of the machine
};

/// The one place where kinds of errors become exit codes.
constexpr ExitCode exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kMismatch:
      return ExitCode::kMismatch;
    case ErrorKind::kInvalidArgument:
    case ErrorKind::kNotFound:
      return ExitCode::kUsage;
    case ErrorKind::kUnavailable:
      return ExitCode::kUnavailable;
    case ErrorKind::kUnimplemented:
      return ExitCode::kUnimplemented;
    case ErrorKind::kExhausted:
      return ExitCode::kExhausted;
    case ErrorKind::kDataLoss:
      return ExitCode::kDataLoss;
    case ErrorKind::kInternal:
      break;
  }
  return ExitCode::kInternal;
}

}  // namespace lutra::cli

#endif  // LUTRA_CLI_EXIT_CODE_H_
