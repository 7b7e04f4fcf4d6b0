#include "keyserver/keys/attributes.hpp"

#include <algorithm>

#include "libnae/base/text.hpp"

namespace nae::keys {
namespace {

struct ProtectionRow {
  Protection protection;
  std::string_view name;
};
constexpr ProtectionRow kProtections[] = {
    {Protection::wrapped, "wrapped"},
    {Protection::hsm_only, "hsm-only"},
};

// Shown on terminals and in logs: no control characters.
Result<void> check_text(std::string_view what, std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes)
    return fail(Code::invalid_argument,
                std::string(what) + " is longer than " + std::to_string(max_bytes) + " bytes");
  bool controls = std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (controls || !is_utf8(text))
    return fail(Code::invalid_argument,
                std::string(what) + " holds control characters or is not UTF-8");
  return {};
}

Result<void> check_labels(const Attributes& attributes) {
  if (attributes.labels.size() > kMaxLabels)
    return fail(Code::invalid_argument,
                "a key has at most " + std::to_string(kMaxLabels) + " labels");
  for (const auto& [name, value] : attributes.labels) {
    if (!is_name(name) || name.size() > kMaxLabelNameBytes)
      return fail(Code::invalid_argument, "not a name for a label",
                  "Use 1 to 64 of A-Z a-z 0-9 . _ - starting with a letter or digit.");
    NAE_TRY(check_text("the value of label " + name, value, kMaxLabelValueBytes));
  }
  return {};
}

}  // namespace

std::string_view name(Protection protection) {
  for (const ProtectionRow& row : kProtections)
    if (row.protection == protection) return row.name;
  return "unknown";
}

std::optional<Protection> protection_from_name(std::string_view text) {
  for (const ProtectionRow& row : kProtections)
    if (row.name == text) return row.protection;
  return std::nullopt;
}

std::optional<Protection> protection_from_number(std::int64_t number) {
  for (const ProtectionRow& row : kProtections)
    if (static_cast<std::int64_t>(row.protection) == number) return row.protection;
  return std::nullopt;
}

Protection usual_protection(KeyType type) {
  return takes_cipher_mode(type) ? Protection::hsm_only : Protection::wrapped;
}

bool Attributes::allows(Action action) const {
  return actions.empty() || std::ranges::find(actions, action) != actions.end();
}

bool Attributes::allows(SignatureScheme scheme) const {
  return algorithms.empty() || std::ranges::find(algorithms, scheme) != algorithms.end();
}

bool Attributes::allows(DecryptionScheme scheme) const {
  if (!decryptions.empty()) return std::ranges::find(decryptions, scheme) != decryptions.end();
  const DecryptionRow* row = find_row(scheme);
  return row && row->hash;
}

bool Attributes::allows(CipherMode mode) const {
  if (!modes.empty()) return std::ranges::find(modes, mode) != modes.end();
  const CipherRow* row = find_row(mode);
  return row && row->authenticates;
}

Result<void> check(const Attributes& attributes, KeyType type) {
  NAE_TRY(check_text("the owner", attributes.owner, kMaxOwnerBytes));
  NAE_TRY(check_text("the description", attributes.description, kMaxDescriptionBytes));
  NAE_TRY(check_labels(attributes));
  for (Action action : attributes.actions)
    if (!nae::allows(type, action))
      return fail(Code::invalid_argument, "keys of type " + std::string(nae::name(type)) +
                                              " have no action " + std::string(nae::name(action)));
  for (SignatureScheme scheme : attributes.algorithms)
    if (scheme == SignatureScheme::key_default || !fits(scheme, type))
      return fail(Code::invalid_argument, "keys of type " + std::string(nae::name(type)) +
                                              " have no algorithm " +
                                              std::string(nae::name(scheme)));
  for (DecryptionScheme scheme : attributes.decryptions)
    if (!find_row(scheme) || !takes_decryption_scheme(type))
      return fail(Code::invalid_argument, "keys of type " + std::string(nae::name(type)) +
                                              " have no algorithm " +
                                              std::string(nae::name(scheme)));
  for (CipherMode mode : attributes.modes)
    if (!find_row(mode) || !takes_cipher_mode(type))
      return fail(Code::invalid_argument, "keys of type " + std::string(nae::name(type)) +
                                              " have no algorithm " + std::string(nae::name(mode)));
  if (attributes.rotate_after_days > kMaxRotateAfterDays)
    return fail(Code::invalid_argument,
                "rotation after days goes up to " + std::to_string(kMaxRotateAfterDays));
  if (attributes.rotate_after_uses < 0 || attributes.rotate_after_uses > kMaxRotateAfterUses)
    return fail(Code::invalid_argument, "rotation after uses goes up to 2^53");
  return {};
}

}  // namespace nae::keys
