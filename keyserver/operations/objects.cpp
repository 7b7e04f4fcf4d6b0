#include <algorithm>

#include "keyserver/keys/state.hpp"
#include "keyserver/operations/lookup.hpp"
#include "libnae/base/text.hpp"

namespace nae::operations {
namespace {

constexpr SignatureScheme kSchemes[] = {
#define NAE_SIGNATURE_SCHEME(scheme, ...) SignatureScheme::scheme,
#include "libnae/base/algorithms.def"
};
constexpr DecryptionScheme kDecryptions[] = {
#define NAE_DECRYPTION_SCHEME(scheme, ...) DecryptionScheme::scheme,
#include "libnae/base/algorithms.def"
};

constexpr CipherMode kModes[] = {
#define NAE_CIPHER_MODE(mode, ...) CipherMode::mode,
#include "libnae/base/algorithms.def"
};

std::string joined(const std::vector<std::string_view>& texts) {
  std::string all;
  for (const std::string_view text : texts) {
    if (!all.empty()) all += ',';
    all += text;
  }
  return all;
}

// Actions of the whole value: who reads masks gets no object that decrypts.
std::vector<Action> granted_actions(Caller& caller, const Parts& parts, const keys::Key& key,
                                    std::int64_t now_us) {
  std::vector<Action> granted;
  for (Action action : row(key.type).actions)
    if (key.attributes.allows(action) &&
        caller.decide(parts.policy, parts.ring, action, key.name, now_us).verdict ==
            policy::Verdict::value)
      granted.push_back(action);
  return granted;
}

std::string schemes_of(const keys::Key& key) {
  std::vector<std::string_view> names;
  for (const SignatureScheme scheme : kSchemes)
    if (fits(scheme, key.type) && key.attributes.allows(scheme)) names.push_back(name(scheme));
  if (takes_decryption_scheme(key.type))
    for (const DecryptionScheme scheme : kDecryptions)
      if (key.attributes.allows(scheme)) names.push_back(name(scheme));
  if (takes_cipher_mode(key.type))
    for (const CipherMode mode : kModes)
      if (key.attributes.allows(mode)) names.push_back(name(mode));
  return joined(names);
}

}  // namespace

Table usable_objects(Caller& caller, const Parts& parts, std::int64_t now_us) {
  Table table;
  table.columns = {"name",       "id",     "version", "state",   "primary",    "type",
                   "protection", "origin", "actions", "schemes", "public_key", "certificates"};
  for (const keys::KeyPointer& key : parts.ring.list()) {
    const std::vector<Action> granted = granted_actions(caller, parts, *key, now_us);
    if (granted.empty()) continue;
    const std::string schemes = schemes_of(*key);
    const keys::Version* primary = key->primary();
    for (auto version = key->versions.rbegin(); version != key->versions.rend(); ++version) {
      std::vector<std::string_view> actions;
      for (const Action action : granted)
        if (permits(version->state, action)) actions.push_back(name(action));
      if (actions.empty()) continue;
      auto& cells = table.rows.emplace_back();
      cells.emplace_back(key->name);
      cells.emplace_back(to_hex(key->id.bytes));
      cells.emplace_back(std::to_string(version->number));
      cells.emplace_back(std::string(name(version->state)));
      cells.emplace_back(&*version == primary ? "1" : "0");
      cells.emplace_back(std::string(name(key->type)));
      cells.emplace_back(std::string(keys::name(key->protection)));
      cells.emplace_back(std::string(keys::name(version->binding.origin)));
      cells.emplace_back(joined(actions));
      cells.emplace_back(schemes);
      if (version->material.public_key.empty())
        cells.emplace_back(std::nullopt);
      else
        cells.emplace_back(to_hex(version->material.public_key));
      if (version->certificates.empty())
        cells.emplace_back(std::nullopt);
      else
        cells.emplace_back(to_hex(version->certificates));
    }
  }
  return table;
}

}  // namespace nae::operations
