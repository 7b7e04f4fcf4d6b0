// Who asks, as TLS, the agent and the database said of one context, and for which key.
#pragma once

#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/bytes.hpp"

namespace nae::policy {

// The end user behind the database session, proven by a token that the key server verified itself
// (keyserver/identity). Claims are texts; a claim that is a list has several.
struct User {
  std::string issuer;   // name of the [[issuer]] in the policy
  std::string subject;  // claim "sub"
  std::map<std::string, std::vector<std::string>, std::less<>> claims;
  std::int64_t expires_at_us = 0;  // Unix time, clock skew included: no user from then on
};

// An empty device, program, database or effective role means "could not be determined", which
// policy always denies.
struct Subject {
  std::string device = {};    // from the TLS client certificate
  std::string program = {};   // attested by the agent
  std::string database = {};  // this and the following: claimed by the attested program
  std::string effective_role = {};
  std::string session_role = {};
  std::string login_role = {};
  std::vector<std::string> memberships =
      {};                           // sorted; transitive; the effective role itself excluded
  std::string client_address = {};  // of the database's client; "" for a local socket
  std::string executable = {};      // attested path; empty when the agent could not read it
  Bytes executable_sha256 = {};     // 32 bytes; empty when the agent could not read it
  std::string device_address = {};  // where the device's connection comes from, from TLS
  std::optional<User> user = {};
};

// The key that is asked for. Empty: none, or not known.
struct AskedKey {
  template <class Text>
  requires std::convertible_to<Text, std::string_view> AskedKey(Text&& of_name,
                                                                std::string_view of_origin = {})
      : name(of_name), origin(of_origin) {}

  std::string_view name;
  std::string_view origin;  // of kKeyOrigins
};

}  // namespace nae::policy
