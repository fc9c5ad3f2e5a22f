// The writer of FST waves keeps its work files in tmpfile(), which the C library puts into /tmp
// whatever TMPDIR says; a co-simulation program may write into its own directories only. This one,
// which the program finds before the C library's, follows TMPDIR.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

extern "C" FILE* tmpfile() {
  const char* directory = getenv("TMPDIR");
  std::string path =
      std::string(directory == nullptr || *directory == 0 ? P_tmpdir : directory) + "/lutra-XXXXXX";
  const int descriptor = mkstemp(path.data());
  if (descriptor < 0) return nullptr;
  unlink(path.c_str());
  FILE* file = fdopen(descriptor, "w+b");
  if (file == nullptr) close(descriptor);
  return file;
}
