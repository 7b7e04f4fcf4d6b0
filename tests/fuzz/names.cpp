// libFuzzer: short texts and numbers that name something: actions, key types, states and the like,
// holders of certificates, systemd units in /proc/PID/cgroup, hexadecimal, UTF-8, log lines. What
// is taken for a name is written again as that name, and no two texts name one thing.
#include <algorithm>

#include "agent/peer_process.hpp"
#include "keyserver/admin/admin_role.hpp"
#include "keyserver/admin/whole_number.hpp"
#include "keyserver/keys/attributes.hpp"
#include "keyserver/keys/state.hpp"
#include "keyserver/keys/version.hpp"
#include "libnae/base/action.hpp"
#include "libnae/base/algorithm.hpp"
#include "libnae/base/log_text.hpp"
#include "libnae/base/text.hpp"
#include "net/peer_identity.hpp"
#include "tests/fuzz/property.hpp"

using namespace nae;
using namespace nae::fuzz;

namespace {

template <class Found>
void check_name(const Found& found, std::string_view text) {
  if (found) require(name(*found) == text);
}
template <class Found>
void check_number(const Found& found, std::int64_t number) {
  if (found) require(static_cast<std::int64_t>(*found) == number && !name(*found).empty());
}

void check_names(std::string_view text) {
  check_name(action_from_name(text), text);
  check_name(key_type_from_name(text), text);
  check_name(hash_from_name(text), text);
  check_name(scheme_from_name(text), text);
  check_name(decryption_from_name(text), text);
  check_name(cipher_from_name(text), text);
  check_name(keys::origin_from_name(text), text);
  check_name(keys::protection_from_name(text), text);
  check_name(keys::state_from_name(text), text);
  check_name(admin::admin_role_from_name(text), text);
}

void check_numbers(std::string_view text) {
  if (text.size() < 2) return;
  const auto number = load_big_endian<std::uint16_t>(as_bytes(text).data());
  const auto byte = static_cast<std::uint8_t>(number);
  check_number(action_from_wire(byte), byte);
  check_number(key_type_from_number(byte), byte);
  check_number(hash_from_number(byte), byte);
  check_number(keys::state_from_number(byte), byte);
  check_number(code_from_wire(number), number);
  check_number(keys::origin_from_number(number), number);
  check_number(keys::protection_from_number(number), number);
}

void check_identity(std::string_view text) {
  auto identity = net::identity_from_uri(text);
  if (!identity) return require_refusal(identity.error(), Code::certificate_rejected);
  require(is_name(identity->name));
  require(text == "nae://" + std::string(net::name(identity->kind)) + "/" + identity->name);
}

// A unit is a part of the path that the kernel shows, and ends as services do.
void check_unit(std::string_view text) {
  const std::string unit = agent::systemd_unit_of(text);
  if (unit.empty()) return;
  require(unit.ends_with(".service") && unit.find_first_of("/\n") == std::string::npos);
  require(text.find("/" + unit) != std::string_view::npos);
}

void check_texts(std::string_view text) {
  if (auto bytes = from_hex(text))
    require(to_hex(*bytes).size() == text.size());
  else
    require_refusal(bytes.error(), Code::invalid_argument);
  auto again = from_hex(to_hex(as_bytes(text)));
  require(again && std::ranges::equal(*again, as_bytes(text)));
  const std::string shown = without_controls(text), quoted = quoted_text(text);
  require(is_utf8(shown) && is_utf8(quoted) && without_controls(shown) == shown);
  require(std::ranges::none_of(shown, [](unsigned char c) { return c < 0x20 || c == 0x7f; }));
  require(quoted.size() >= 2 && quoted.front() == '"' && quoted.back() == '"');
  require(glob_match("*", text) && glob_match("*" + std::string(text) + "*", text));
  if (auto number = admin::whole_number(text, "it", 1, 1000))
    require(*number >= 1 && *number <= 1000);
  else
    require_refusal(number.error(), Code::invalid_argument);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  check_names(text);
  check_numbers(text);
  check_identity(text);
  check_unit(text);
  check_texts(text);
  return 0;
}
