#include "gateway/header_text.hpp"

#include <string_view>

namespace nae::gateway {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t kUsualBytes = 1024;

std::string_view as_view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

void append_fields(std::string& text, const http::fields& fields) {
  for (const auto& field : fields) {
    text.append(as_view(field.name_string())).append(": ").append(as_view(field.value()));
    text.append("\r\n");
  }
  text.append("\r\n");
}

}  // namespace

std::string header_text(const http::request_header<>& header) {
  std::string text;
  text.reserve(kUsualBytes);
  text.append(as_view(header.method_string())).append(" ").append(as_view(header.target()));
  text.append(" HTTP/1.1\r\n");
  append_fields(text, header);
  return text;
}

std::string header_text(const http::response_header<>& header) {
  std::string text;
  text.reserve(kUsualBytes);
  text.append("HTTP/1.1 ").append(std::to_string(header.result_int())).append(" ");
  text.append(as_view(header.reason())).append("\r\n");
  append_fields(text, header);
  return text;
}

}  // namespace nae::gateway
