#include "lutra/base/build_id.h"

#include <elf.h>
#include <link.h>

#include <cstring>

#include "lutra/base/files.h"
#include "lutra/base/sha256.h"

namespace lutra::base {
namespace {

/// The note of the program itself, the first object that is visited.
int find_note(dl_phdr_info* info, std::size_t, void* result) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type != PT_NOTE) continue;
    const char* at = reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);
    const char* end = at + header.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof(note));
      const char* name = at + sizeof(note);
      const char* bytes = name + (note.n_namesz + 3) / 4 * 4;
      if (note.n_type == NT_GNU_BUILD_ID && std::memcmp(name, "GNU", 4) == 0) {
        for (unsigned k = 0; k < note.n_descsz; ++k) {
          const auto byte = static_cast<unsigned char>(bytes[k]);
          *static_cast<std::string*>(result) += "0123456789abcdef"[byte >> 4];
          *static_cast<std::string*>(result) += "0123456789abcdef"[byte & 15];
        }
        return 1;
      }
      at = bytes + (note.n_descsz + 3) / 4 * 4;
    }
  }
  return 1;
}

}  // namespace

const std::string& build_id() {
  static const std::string kId = [] {
    std::string id;
    dl_iterate_phdr(find_note, &id);
    return id.empty() ? sha256_hex(read_file("/proc/self/exe")) : id;
  }();
  return kId;
}

}  // namespace lutra::base
