#include "lutra/base/error.h"

#include <array>
#include <cerrno>
#include <utility>

namespace lutra {
namespace {

constexpr std::array<std::pair<ErrorKind, std::string_view>, 8> kNames = {{
    {ErrorKind::kMismatch, "mismatch"},
    {ErrorKind::kInvalidArgument, "invalid argument"},
    {ErrorKind::kNotFound, "not found"},
    {ErrorKind::kUnavailable, "unavailable"},
    {ErrorKind::kUnimplemented, "unimplemented"},
    {ErrorKind::kExhausted, "exhausted"},
    {ErrorKind::kDataLoss, "data loss"},
    {ErrorKind::kInternal, "internal"},
}};

}  // namespace

std::string_view error_kind_name(ErrorKind kind) {
  for (const auto& [known, name] : kNames) {
    if (known == kind) return name;
  }
  return "internal";
}

std::optional<ErrorKind> error_kind(std::string_view name) {
  for (const auto& [kind, known] : kNames) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

ErrorKind error_kind_of_errno(int number) {
  switch (number) {
    case ENOENT:
      return ErrorKind::kNotFound;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EFBIG:
      return ErrorKind::kExhausted;
    case EIO:
      return ErrorKind::kDataLoss;
    default:
      return ErrorKind::kInvalidArgument;
  }
}

}  // namespace lutra
