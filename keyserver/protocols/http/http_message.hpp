// One HTTP request and its response, as the handlers see them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libnae/base/result.hpp"

namespace nae::http {

struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // "/v1/keys/a%2Eb?x=1", as it came
  std::string content_type;
  std::string body;
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow;                // with 405: the methods that the path has
  std::uint32_t retry_after_s = 0;  // with 429; 0: none
};

// Problem details; `http_status` 0: the code's own.
HttpResponse problem(const Error& error, unsigned http_status = 0);

// The answer to OPTIONS (RFC 9110 section 9.3.7): "GET, HEAD, OPTIONS". Browsers get no more: they
// have no business here.
HttpResponse allowed_methods(std::string methods);

}  // namespace nae::http
