// libFuzzer: bytes as an HTTP client may send them, cut into reads by their first byte. Nothing may
// crash or hang, limits hold, whatever the cut the same requests come out, and the path that is
// authorized has one spelling.
#include <algorithm>
#include <vector>

#include "keyserver/admin/target.hpp"
#include "keyserver/protocols/http/http_session.hpp"
#include "tests/fuzz/property.hpp"

using namespace nae;
using namespace nae::fuzz;
using namespace nae::admin;
using namespace nae::http;

namespace {

constexpr std::size_t kMaxBodyBytes = 4096;

std::string encoded(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
  }
  return out;
}

void check_target(const std::string& text) {
  auto parsed = parse_target(text);
  if (!parsed) return require_refusal(parsed.error());
  std::string again;
  for (const std::string& segment : parsed->segments) {
    require(!segment.empty() && segment != "." && segment != "..");
    require(segment.find('/') == std::string::npos && segment.find('\0') == std::string::npos);
    again += "/" + encoded(segment);
  }
  if (again.empty()) again = "/";
  char separator = '?';
  for (const auto& [name, value] : parsed->parameters) {
    again += separator + encoded(name) + "=" + encoded(value);
    separator = '&';
  }
  auto second = parse_target(again);
  require(second && second->segments == parsed->segments &&
          second->parameters == parsed->parameters);
}

// The requests that `stream` holds, each answered as it comes.
std::vector<HttpRequest> requests_in(ByteView stream, std::size_t piece_bytes) {
  std::vector<HttpRequest> requests;
  HttpLimits limits;
  limits.body_bytes = kMaxBodyBytes;
  HttpSession session([&](HttpRequest&& request) { requests.push_back(std::move(request)); },
                      limits);
  Bytes out;
  HttpResponse response;
  response.body = "{}";
  while (!stream.empty()) {
    ByteSpan space = session.space();
    require(!space.empty());
    std::size_t size = std::min({piece_bytes, space.size(), stream.size()});
    std::copy_n(stream.begin(), size, space.begin());
    stream = stream.subspan(size);
    if (!session.received(size, out)) return requests;
    while (session.waiting())
      if (!session.answer(response, out)) return requests;
  }
  if (session.reading()) session.expire(out);
  return requests;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  ByteView stream(data + 1, size - 1);
  check_target(std::string(as_text(stream)));
  auto requests = requests_in(stream, std::size_t{data[0]} + 1);
  for (const HttpRequest& request : requests) {
    require(request.body.size() <= kMaxBodyBytes);
    check_target(request.target);
  }
  auto whole = requests_in(stream, SIZE_MAX);
  require(whole.size() == requests.size());
  for (std::size_t i = 0; i < whole.size(); ++i)
    require(whole[i].method == requests[i].method && whole[i].target == requests[i].target &&
            whole[i].body == requests[i].body);
  return 0;
}
