// Reads lines of hexadecimal digits, each a body, and writes a line for each: "refused NAME", or
// what the gateway's scanner sees: path, kind and text of each scalar and empty container, in
// hexadecimal.
#include <iostream>
#include <string>

#include "gateway/inspection/json_scanner.hpp"
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

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto bytes = from_hex(line);
    if (!bytes) return 1;
    std::string seen;
    const auto done = scan_json(as_text(*bytes), [&](const JsonPath& path, const JsonValue& value) {
      const bool is_container = value.kind == JsonKind::object || value.kind == JsonKind::array;
      if (!is_container || is_empty_container(value))
        seen += steps_of(path) + "=" + std::string(json_kind_name(value.kind)) + ":" +
                (is_container ? "" : to_hex(as_bytes(value.text))) + " ";
      return Understood<void>();
    });
    std::cout << (done ? "read " + seen : "refused " + std::string(done.error().name)) << "\n";
  }
  return std::cout.good() ? 0 : 1;
}
