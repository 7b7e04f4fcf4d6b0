#include "libnae/base/clock.hpp"

#include "libnae/base/file.hpp"

namespace nae {
namespace {

constexpr char kBootIdFile[] = "/proc/sys/kernel/random/boot_id";
constexpr std::size_t kMaxBootIdBytes = 64;

}  // namespace

std::string boot_id() {
  auto read = read_file(kBootIdFile, kMaxBootIdBytes);
  if (!read) return {};
  std::string id = *std::move(read);
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

}  // namespace nae
