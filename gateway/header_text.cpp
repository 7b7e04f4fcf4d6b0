#include "gateway/header_text.hpp"

#include <charconv>
#include <limits>
#include <utility>

namespace nae::gateway {
namespace {

constexpr std::size_t kUsualBytes = 1024;

}  // namespace

HeaderText HeaderText::of_request(std::string_view method, std::string_view target) {
  HeaderText made;
  made.text_.reserve(kUsualBytes + target.size());
  made.text_.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  return made;
}

HeaderText HeaderText::of_answer(unsigned status, std::string_view reason) {
  HeaderText made;
  made.text_.reserve(kUsualBytes);
  made.text_.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reason);
  made.text_.append("\r\n");
  return made;
}

void HeaderText::add(std::string_view name, std::string_view value) {
  text_.append(name).append(": ").append(value).append("\r\n");
}

void HeaderText::add(std::string_view name, std::size_t number) {
  char digits[std::numeric_limits<std::size_t>::digits10 + 1];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  add(name, std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

std::string HeaderText::finish() && {
  text_.append("\r\n");
  return std::move(text_);
}

}  // namespace nae::gateway
