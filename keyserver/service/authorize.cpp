#include "keyserver/service/authorize.hpp"

#include "keyserver/keys/state.hpp"
#include "keyserver/service/charge.hpp"

namespace nae::service {
namespace {

std::string in_quotes(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

Refused refuse(Code code, std::string message, const keys::Key* key, std::string name,
               const policy::Decision& decision) {
  return {Error(code, std::move(message)), key ? key->name : std::move(name), decision};
}

}  // namespace

bool grants(const policy::Decision& decision, Action action) {
  return action == Action::decrypt ? decision.allowed()
                                   : decision.verdict == policy::Verdict::value;
}

Refused denied(const Request& request, std::string key, const policy::Decision& decision) {
  std::string action(name(request.header().action));
  std::string what = key.empty() ? action : action + " with key " + in_quotes(key);
  std::string who = request.caller.subject().effective_role;
  return {Error(Code::denied, "role " + in_quotes(who) + " may not " + what), std::move(key),
          decision};
}

std::variant<Granted, Refused> authorize(Request& request) {
  const wire::CryptoHeader& header = request.header();
  std::string key_name(header.key);
  if (key_name.empty()) return Refused{Error(Code::invalid_argument, "no key is named"), {}, {}};
  const policy::Decision& decision = request.decide(header.action, header.key);
  if (!grants(decision, header.action)) return denied(request, std::move(key_name), decision);

  Granted granted{request.parts.ring.find(header.key), nullptr, decision};
  if (!granted.key)
    return refuse(Code::key_unknown, "there is no key " + in_quotes(key_name), nullptr, key_name,
                  decision);
  const keys::Key& key = *granted.key;
  if (!allows(key.type, header.action))
    return refuse(Code::key_type,
                  "key " + in_quotes(key_name) + " is of type " + std::string(name(key.type)) +
                      ", which does not " + std::string(name(header.action)),
                  &key, {}, decision);
  if (!key.attributes.allows(header.action))
    return refuse(
        Code::key_attribute,
        "key " + in_quotes(key_name) + " does not allow " + std::string(name(header.action)), &key,
        {}, decision);
  granted.version = key.primary();
  // Verification works with every readable version and picks its own.
  bool reads = header.action == Action::verify || header.action == Action::mac_verify;
  if (!granted.version && !reads)
    return refuse(Code::key_state, "key " + in_quotes(key_name) + " has no active version", &key,
                  {}, decision);
  if (auto refused = charge(request, decision, key.name)) return std::move(*refused);
  return granted;
}

std::variant<policy::Decision, Refused> authorize_without_key(Request& request) {
  const policy::Decision& decision = request.decide(request.header().action, {});
  if (!grants(decision, request.header().action)) return denied(request, {}, decision);
  if (auto refused = charge(request, decision, {})) return std::move(*refused);
  return decision;
}

Refused explain(const Request& request, const KeyUse& use) {
  std::string key = use.key ? use.key->name : std::string();
  std::string action(name(request.header().action));
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
      return refuse(Code::envelope_foreign, "no key of this key server made the value",
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

}  // namespace nae::service
