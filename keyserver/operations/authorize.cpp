#include "keyserver/operations/authorize.hpp"

#include <algorithm>

#include "keyserver/keys/state.hpp"
#include "keyserver/operations/asked.hpp"
#include "keyserver/operations/charge.hpp"

namespace nae::operations {
namespace {

std::string in_quotes(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

Refused refuse(Code code, std::string message, const keys::Key* key, const std::string& name,
               const policy::Decision& decision) {
  return {Error(code, std::move(message)), key ? key->name : name, decision};
}

// An action that policy lets the caller do with the key, and that permits what is asked.
struct Permission {
  Action action{};
  policy::Decision decision;
};

// A code of a search index says whether a guess is right, which a mask is to hold back.
bool reads_whole_values(Request& request, std::string_view key_name) {
  return request.decide(Action::decrypt, key_name).verdict == policy::Verdict::value;
}

// Who writes or reads the values of a key learns nothing new from its search tokens: either
// permits them. Who reads masks does not: a token says whether a guess is right.
std::vector<Permission> permissions_of(Request& request, std::string_view key_name) {
  std::vector<Permission> permissions;
  auto ask = [&](Action action) {
    const policy::Decision& decision = request.decide(action, key_name);
    if (decision.verdict == policy::Verdict::value) permissions.push_back({action, decision});
  };
  if (request.asked.action != Action::search || reads_whole_values(request, key_name))
    ask(request.asked.action);
  if (asks_for_search_tokens(request.asked)) ask(Action::decrypt);
  return permissions;
}

bool serves(KeyType type, const Request& request) {
  // What such a key encrypts is no envelope, and envelopes are under keys of no mode.
  if (names_cipher_mode(request.asked) || takes_cipher_mode(type))
    return names_cipher_mode(request.asked) && takes_cipher_mode(type);
  if (asks_for_search_tokens(request.asked)) return type == KeyType::aes_256_siv;
  if (request.asked.action == Action::search) return type == KeyType::aes_256_gcm;
  // Envelopes are not of these keys, and ciphertexts of a public key are of no other.
  if (request.asked.action == Action::decrypt) return takes_decryption_scheme(type);
  return allows(type, request.asked.action);
}

std::string what_it_does_not(KeyType type, const Request& request) {
  std::string act(act_of(request.asked));
  if (names_cipher_mode(request.asked))
    return act + " by " + std::string(name(static_cast<CipherMode>(request.asked.algorithm)));
  return takes_cipher_mode(type) && allows(type, request.asked.action)
             ? act + " but by a mode that is named: it is for no column and no envelope"
             : act;
}

// What is stored under a restricted version is still searched; so a search asks as a reader.
bool permits(keys::State state, const Request& request) {
  if (asks_for_search_tokens(request.asked)) return permits(state, Action::decrypt);
  if (searches_blind_index(request.asked)) return permits(state, Action::mac_verify);
  if (searches_index(request.asked)) return permits(state, Action::decrypt);
  return permits(state, request.asked.action);
}

Result<const keys::Version*> asked_version(const Request& request, const keys::Key& key,
                                           std::uint16_t number) {
  const keys::Version* version = key.version(number);
  const auto which = [&] { return "version " + std::to_string(number); };
  if (!version) return fail(Code::key_state, "key " + in_quotes(key.name) + " has no " + which());
  if (!permits(version->state, request))
    return fail(Code::key_state, which() + " of key " + in_quotes(key.name) + " is " +
                                     std::string(name(version->state)) + ", which does not allow " +
                                     std::string(act_of(request.asked)));
  return version;
}

// nullptr for verification alone, which works with every readable version and picks its own.
Result<const keys::Version*> primary_version(const Request& request, const keys::Key& key) {
  const keys::Version* primary = key.primary();
  const Action action = request.asked.action;
  if (!primary && action != Action::verify && action != Action::mac_verify)
    return fail(Code::key_state, "key " + in_quotes(key.name) + " has no active version");
  return primary;
}

}  // namespace

bool grants(const policy::Decision& decision, Action action) {
  return action == Action::decrypt ? decision.allowed()
                                   : decision.verdict == policy::Verdict::value;
}

Refused denied(const Request& request, std::string key, const policy::Decision& decision) {
  std::string act(act_of(request.asked));
  std::string what = key.empty() ? act : act + " with key " + in_quotes(key);
  std::string who = request.caller.subject().effective_role;
  return {Error(Code::denied, "role " + in_quotes(who) + " may not " + what), std::move(key),
          decision};
}

std::variant<Granted, Refused> authorize(Request& request) {
  const std::string key_name(key_name_of(request.asked));
  if (key_name.empty()) return Refused{Error(Code::invalid_argument, "no key is named"), {}, {}};
  const auto number = version_of(request.asked);
  if (!number) return Refused{number.error(), key_name, {}};
  const std::vector<Permission> permissions = permissions_of(request, key_name);
  if (permissions.empty())
    return denied(request, key_name, request.decide(request.asked.action, key_name));

  const policy::Decision& decision = permissions.front().decision;
  const keys::KeyPointer key = request.parts.ring.find(key_name);
  if (!key)
    return refuse(Code::key_unknown, "there is no key " + in_quotes(key_name), nullptr, key_name,
                  decision);
  if (!serves(key->type, request))
    return refuse(Code::key_type,
                  "key " + in_quotes(key_name) + " is of type " + std::string(name(key->type)) +
                      ", which does not " + what_it_does_not(key->type, request),
                  key.get(), {}, decision);
  const auto permission = std::ranges::find_if(permissions, [&](const Permission& permitted) {
    return key->attributes.allows(permitted.action);
  });
  if (permission == permissions.end())
    return refuse(
        Code::key_attribute,
        "key " + in_quotes(key_name) + " does not allow " + std::string(act_of(request.asked)),
        key.get(), {}, decision);
  const auto version =
      *number ? asked_version(request, *key, **number) : primary_version(request, *key);
  if (!version) return Refused{version.error(), key_name, permission->decision};
  if (auto refused = charge(request, permission->decision, key->name)) return std::move(*refused);
  return Granted{key, *version, permission->decision};
}

std::variant<std::optional<Granted>, Refused> authorize_named(Request& request) {
  const std::string name(request.asked.key);
  if (name.empty()) return std::optional<Granted>{};
  const Action action = request.asked.action;
  const policy::Decision& decision = request.decide(action, name);
  if (!grants(decision, action)) return denied(request, name, decision);
  keys::KeyPointer key = request.parts.ring.find(name);
  if (!key)
    return refuse(Code::key_unknown, "there is no key " + in_quotes(name), nullptr, name, decision);
  return std::optional(Granted{std::move(key), nullptr, decision});
}

std::variant<policy::Decision, Refused> authorize_without_key(Request& request) {
  const policy::Decision& decision = request.decide(request.asked.action, {});
  if (!grants(decision, request.asked.action)) return denied(request, {}, decision);
  if (auto refused = charge(request, decision, {})) return std::move(*refused);
  return decision;
}

Refused explain(const Request& request, const KeyUse& use) {
  std::string key = use.key ? use.key->name : std::string();
  std::string action(name(request.asked.action));
  switch (use.refusal) {
    case Code::denied:
      return denied(request, key, use.decision);
    case Code::key_state:
      return refuse(Code::key_state,
                    "version " + std::to_string(use.version) + " of key " + in_quotes(key) +
                        " is in a state that does not allow " + action,
                    use.key.get(), {}, use.decision);
    case Code::key_attribute:
      return refuse(Code::key_attribute, "key " + in_quotes(key) + " does not allow " + action,
                    use.key.get(), {}, use.decision);
    case Code::envelope_foreign:
      return refuse(Code::envelope_foreign,
                    request.asked.key.empty()
                        ? "no key of this key server made the value"
                        : "the value was not encrypted under key " + in_quotes(request.asked.key),
                    use.key.get(), {}, use.decision);
    default:
      return refuse(use.refusal, "the value does not fit the key it names", use.key.get(), {},
                    use.decision);
  }
}

Served served(const Granted& granted, std::uint32_t items, std::uint32_t failed_items) {
  KeyUse use;
  use.key = granted.key;
  use.version = granted.version ? granted.version->number : std::uint16_t{0};
  use.decision = granted.decision;
  use.items = items;
  use.failed_items = failed_items;
  return {{std::move(use)}};
}

}  // namespace nae::operations
