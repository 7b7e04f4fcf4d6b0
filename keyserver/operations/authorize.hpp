// From the name of a key to the right to use it.
#pragma once

#include <variant>

#include "keyserver/operations/request.hpp"

namespace nae::operations {

// A key that policy, type and state allow for what is asked.
struct Granted {
  keys::KeyPointer key;
  const keys::Version* version = nullptr;  // the one asked for or the primary one; owned by `key`
  policy::Decision decision;
};

// Does policy let `action` go ahead? Of its answers only `value` and `deny` mean anything but for
// reads.
bool grants(const policy::Decision& decision, Action action);

// Policy is asked before the key is looked for: who may not use a key does not learn whether it
// exists. Refused with Code::denied, key_unknown, key_type, key_attribute or key_state, or with
// invalid_argument when the request names no key, or none of its possible versions.
std::variant<Granted, Refused> authorize(Request& request);

// For decrypt and rewrap: the key that all envelopes of the request must be of. Nothing where the
// request names none and each envelope speaks for itself. Policy is asked before the key is looked
// for; states are asked for item by item. Refused with Code::denied or key_unknown.
std::variant<std::optional<Granted>, Refused> authorize_named(Request& request);

// For hash and random, which use no key.
std::variant<policy::Decision, Refused> authorize_without_key(Request& request);

// Code::denied with a message that names role, action and key, never the rule.
Refused denied(const Request& request, std::string key, const policy::Decision& decision);

// Why every item of a request failed that names its keys item by item.
Refused explain(const Request& request, const KeyUse& use);

Served served(const Granted& granted, std::uint32_t items, std::uint32_t failed_items);

}  // namespace nae::operations
