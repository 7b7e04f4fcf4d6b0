// The policy document (docs/spec/policy.md), parsed and checked.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keyserver/policy/limit.hpp"
#include "keyserver/policy/mask.hpp"
#include "keyserver/policy/network.hpp"
#include "keyserver/policy/schedule.hpp"
#include "keyserver/policy/verdict.hpp"
#include "libnae/base/action.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::policy {

// The newest; documents of version 1 go on meaning what they meant.
inline constexpr std::int64_t kFormatVersion = 2;
inline constexpr std::size_t kMaxDocumentBytes = 1u << 20;
inline constexpr std::size_t kMaxRules = 4096;
inline constexpr std::size_t kMaxListEntries = 1024;  // of one list in one rule
inline constexpr std::size_t kMaxPatternBytes = 128;  // behind its mark
inline constexpr std::size_t kMaxIssuerKeys = 16;     // of one issuer
inline constexpr std::size_t kMaxIssuerTextBytes = 512;
inline constexpr std::int64_t kMaxClockSkewSeconds = 300;

// Where a key may have been made first: docs/spec/keys.md, "Origin".
inline constexpr std::string_view kKeyOrigins[] = {"generated", "imported", "unknown"};

struct Device {
  std::string name;
  std::string description;
};

struct Program {
  std::string name;
  // Pins: when a list is not empty the agent's attestation must show one of its entries.
  std::vector<std::string> executables;      // absolute paths
  std::vector<std::array<Byte, 32>> sha256;  // of the executable file
};

// Who vouches for end users: verifies tokens (RFC 7519) that sessions present.
struct Issuer {
  std::string name;                      // as rules and audit records call it
  std::string issuer;                    // the claim "iss" MUST equal it
  std::string audience;                  // the claim "aud" MUST be or contain it
  std::vector<std::string> public_keys;  // PEM SubjectPublicKeyInfo: RSA, EC P-256 or Ed25519
  std::int64_t clock_skew_seconds = 60;  // allowed either way, 0 to kMaxClockSkewSeconds
};

// A set of actions, one bit each.
class ActionSet {
 public:
  void insert(Action action) { bits_ |= bit(action); }
  bool contains(Action action) const { return (bits_ & bit(action)) != 0; }
  bool empty() const { return bits_ == 0; }
  friend bool operator==(const ActionSet&, const ActionSet&) = default;

 private:
  static constexpr std::uint32_t bit(Action action) { return 1u << static_cast<unsigned>(action); }
  std::uint32_t bits_ = 0;
};

// What a rule asks of the proven end user. An empty list is "any"; of each claim that is named the
// user MUST have one of the texts.
struct UserCondition {
  std::vector<std::string> users;    // patterns over the subject
  std::vector<std::string> issuers;  // patterns over names of [[issuer]]
  std::map<std::string, std::vector<std::string>, std::less<>> claims;

  bool empty() const { return users.empty() && issuers.empty() && claims.empty(); }
  friend bool operator==(const UserCondition&, const UserCondition&) = default;
};

// Lists of names hold patterns as pattern.hpp has them. An empty list means "any"; the document
// cannot write an empty list, only leave the field out.
struct Rule {
  std::string name;
  std::vector<std::string> roles;  // never empty; matches the effective role or any membership
  std::vector<std::string> databases;
  std::vector<std::string> devices;
  std::vector<std::string> programs;
  std::vector<std::string> keys;
  std::vector<std::string> key_origins;  // of kKeyOrigins
  ActionSet actions;                     // never empty
  std::vector<Network> networks;         // of the device
  std::vector<Network> client_networks;  // of the database's client, as the program claims it
  std::optional<bool>
      delegation;  // false: login, session and effective role are the same; true: not
  UserCondition user;
  Schedule schedule;
  Verdict result = Verdict::deny;
  Mask mask;                  // of Verdict::masked
  std::vector<Limit> limits;  // of rules that allow
  std::uint32_t line = 0;     // where the rule starts in the document
};

struct Document {
  std::int64_t version = 0;  // 0: no policy was ever applied, everything is denied
  std::vector<Device> devices;
  std::vector<Program> programs;
  std::vector<Issuer> issuers;
  std::vector<Rule> rules;

  const Device* device(std::string_view name) const;
  const Program* program(std::string_view name) const;
  const Issuer* issuer(std::string_view name) const;
};

// What a server accepted once it goes on reading, in the sense that it had then.
enum class Written : bool { now, before };

// Code::policy_invalid with "line N: reason" for anything but a complete, consistent document.
Result<Document> parse(std::string_view toml, Written written = Written::now);

// True for the actions that use a key, hence for which a rule's `keys` count.
bool uses_key(Action action);

}  // namespace nae::policy
