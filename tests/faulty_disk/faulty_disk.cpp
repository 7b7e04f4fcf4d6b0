// For tests: a disk that fails when a test says so. Preloaded into a program (LD_PRELOAD), it makes
// calls on files fail as long as the file that NAE_FAULTY_DISK names has lines
//     CALL ERROR PREFIX    write|sync|rename|open, ENOSPC|EIO|EROFS|short, beginning of the path:
//     of the
//                          file that is written or synced, of the new name, of the file that is
//                          opened for writing; with $ at its end, the whole path
// "short", of write() and pwrite(): half of the bytes are written, and a single byte fails with
// ENOSPC. The file is read at every such call and may be missing. What stdio writes within the C
// library is not seen.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

constexpr int kShort = -1;
constexpr size_t kMaxFileBytes = 4096;

// By system calls: the C library's functions are those that are replaced here.
size_t read_file(char (&text)[kMaxFileBytes]) {
  const char* path = getenv("NAE_FAULTY_DISK");
  if (path == nullptr) return 0;
  const long file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const long size = syscall(SYS_read, file, text, kMaxFileBytes - 1);
  syscall(SYS_close, file);
  return size > 0 ? static_cast<size_t>(size) : 0;
}

int error_of(const char* name) {
  if (strcmp(name, "ENOSPC") == 0) return ENOSPC;
  if (strcmp(name, "EIO") == 0) return EIO;
  if (strcmp(name, "EROFS") == 0) return EROFS;
  if (strcmp(name, "short") == 0) return kShort;
  abort();  // a fault that a test has misspelt would never happen
}

// 0, an error or kShort, of `call` on a path.
int fault_of(const char* call, const char* path) {
  char text[kMaxFileBytes];
  text[read_file(text)] = '\0';
  char* rest = nullptr;
  for (char* line = strtok_r(text, "\n", &rest); line; line = strtok_r(nullptr, "\n", &rest)) {
    char wanted[16], error[16], prefix[1024];
    if (sscanf(line, "%15s %15s %1023s", wanted, error, prefix) != 3) continue;
    size_t size = strlen(prefix);
    if (size > 0 && prefix[size - 1] == '$' && strlen(path) != --size) continue;
    if (strcmp(wanted, call) == 0 && strncmp(path, prefix, size) == 0) return error_of(error);
  }
  return 0;
}

int fault_of(const char* call, int file) {
  char text[kMaxFileBytes];
  if (read_file(text) == 0) return 0;
  char link[32], path[1024];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const long size = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (size <= 0) return 0;
  path[size] = '\0';
  return fault_of(call, path);
}

template <class Call>
Call next(Call, const char* name) {
  return reinterpret_cast<Call>(dlsym(RTLD_NEXT, name));
}

bool failed(int error) {
  if (error > 0) errno = error;
  return error > 0;
}

// How many of `size` bytes are to be written; -1 when none can be.
ssize_t room_of(int file, size_t size) {
  const int error = fault_of("write", file);
  if (failed(error)) return -1;
  if (error != kShort || size == 0) return static_cast<ssize_t>(size);
  if (size > 1) return static_cast<ssize_t>(size / 2);
  errno = ENOSPC;
  return -1;
}

}  // namespace

extern "C" {

ssize_t write(int file, const void* bytes, size_t size) {
  static const auto real = next(&write, "write");
  const ssize_t room = room_of(file, size);
  return room < 0 ? -1 : real(file, bytes, static_cast<size_t>(room));
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  static const auto real = next(&pwrite, "pwrite");
  const ssize_t room = room_of(file, size);
  return room < 0 ? -1 : real(file, bytes, static_cast<size_t>(room), offset);
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset) {
  return pwrite(file, bytes, size, offset);
}

ssize_t writev(int file, const iovec* parts, int count) {
  static const auto real = next(&writev, "writev");
  return failed(fault_of("write", file)) ? -1 : real(file, parts, count);
}

ssize_t pwritev(int file, const iovec* parts, int count, off_t offset) {
  static const auto real = next(&pwritev, "pwritev");
  return failed(fault_of("write", file)) ? -1 : real(file, parts, count, offset);
}

ssize_t pwritev64(int file, const iovec* parts, int count, off64_t offset) {
  return pwritev(file, parts, count, offset);
}

ssize_t pwritev2(int file, const iovec* parts, int count, off_t offset, int flags) {
  static const auto real = next(&pwritev2, "pwritev2");
  return failed(fault_of("write", file)) ? -1 : real(file, parts, count, offset, flags);
}

ssize_t pwritev64v2(int file, const iovec* parts, int count, off64_t offset, int flags) {
  return pwritev2(file, parts, count, offset, flags);
}

int fsync(int file) {
  static const auto real = next(&fsync, "fsync");
  return failed(fault_of("sync", file)) ? -1 : real(file);
}

int fdatasync(int file) {
  static const auto real = next(&fdatasync, "fdatasync");
  return failed(fault_of("sync", file)) ? -1 : real(file);
}

int rename(const char* from, const char* to) {
  static const auto real = next(&rename, "rename");
  return failed(fault_of("rename", to)) ? -1 : real(from, to);
}

int openat(int directory, const char* path, int flags, ...) {
  va_list words;
  va_start(words, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(words, mode_t) : 0;
  va_end(words);
  if ((flags & O_ACCMODE) != O_RDONLY && failed(fault_of("open", path))) return -1;
  return static_cast<int>(syscall(SYS_openat, directory, path, flags, mode));
}

int open(const char* path, int flags, ...) {
  va_list words;
  va_start(words, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(words, mode_t) : 0;
  va_end(words);
  return openat(AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) __attribute__((alias("open")));
int openat64(int directory, const char* path, int flags, ...) __attribute__((alias("openat")));
}
