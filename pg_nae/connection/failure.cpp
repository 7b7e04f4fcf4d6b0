#include "pg_nae/connection/failure.hpp"

#include <algorithm>
#include <cstring>

namespace nae::backend {
namespace {

void copy_cut(char* out, std::size_t capacity, std::string_view text) {
  std::size_t size = std::min(text.size(), capacity - 1);
  if (size < text.size())
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  std::memcpy(out, text.data(), size);
  out[size] = '\0';
}

}  // namespace

void set_failure(Failure& failure, Code code, std::string_view message,
                 std::string_view hint) noexcept {
  failure.code = code;
  copy_cut(failure.message, sizeof failure.message, message);
  copy_cut(failure.hint, sizeof failure.hint, hint.empty() ? row(code).hint : hint);
}

}  // namespace nae::backend
