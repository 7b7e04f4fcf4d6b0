// nae-body-reader json|multipart: reads lines of hexadecimal digits, each a body, and writes a line
// for each: "refused NAME", or what the gateway's scanner sees, in hexadecimal. Of JSON path, kind
// and text of each scalar and empty container; of a form in parts, whose boundary is "xyz", name
// and content of each part that is no file.
#include <iostream>
#include <string>

#include "gateway/inspection/json_scanner.hpp"
#include "gateway/inspection/multipart_scanner.hpp"
#include "libnae/base/text.hpp"

namespace {

using namespace nae;
using namespace nae::gateway;

std::string steps_of(const JsonPath& path) {
  std::string out;
  for (const JsonStep& step : path)
    out += step.is_index ? "/i" + std::to_string(step.index) : "/k" + to_hex(as_bytes(step.key));
  return out;
}

bool is_empty_container(const JsonValue& value) {
  const bool is_container = value.kind == JsonKind::object || value.kind == JsonKind::array;
  return is_container && value.text.find_first_not_of(" \t\r\n", 1) == value.text.size() - 1;
}

Understood<std::string> json(std::string_view body) {
  std::string seen;
  const auto done = scan_json(body, [&](const JsonPath& path, const JsonValue& value) {
    const bool is_container = value.kind == JsonKind::object || value.kind == JsonKind::array;
    if (!is_container || is_empty_container(value))
      seen += steps_of(path) + "=" + std::string(json_kind_name(value.kind)) + ":" +
              (is_container ? "" : to_hex(as_bytes(value.text))) + " ";
    return Understood<void>();
  });
  if (!done) return tl::unexpected(done.error());
  return seen;
}

Understood<std::string> multipart(std::string_view body) {
  std::string seen;
  const auto done = scan_multipart(body, "xyz", [&](const FormPart& part) {
    const std::string_view content = body.substr(part.begin, part.end - part.begin);
    if (!part.is_file) seen += to_hex(as_bytes(part.name)) + "=" + to_hex(as_bytes(content)) + " ";
    return Understood<void>();
  });
  if (!done) return tl::unexpected(done.error());
  return seen;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string kind = argc == 2 ? argv[1] : "";
  if (kind != "json" && kind != "multipart") return 2;
  for (std::string line; std::getline(std::cin, line);) {
    const auto bytes = from_hex(line);
    if (!bytes) return 1;
    const auto seen = kind == "json" ? json(as_text(*bytes)) : multipart(as_text(*bytes));
    std::cout << (seen ? "read " + *seen : "refused " + std::string(seen.error().name)) << "\n";
  }
  return std::cout.good() ? 0 : 1;
}
