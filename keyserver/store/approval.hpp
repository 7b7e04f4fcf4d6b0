// Approval: a request that a second administrator must approve, as it was made.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nae::store {

enum class ApprovalState : std::uint8_t {
  waiting = 1,
  running = 2,  // approved, and being done
  done = 3,     // approved and done
  failed = 4,   // approved, but it was refused when it was done
  rejected = 5,
  expired = 6,      // nobody decided in time
  interrupted = 7,  // the server died while it was being done
};

std::string_view name(ApprovalState state);  // "waiting"

// What one administrator said of a request. Values stand in the store.
enum class Verdict : std::uint8_t { approved = 1, rejected = 2 };

std::string_view name(Verdict verdict);  // "approved"

struct Decision {
  std::string by;
  Verdict verdict = Verdict::approved;
  std::string digest;  // of the request as that one saw it
  std::int64_t at_us = 0;
  friend bool operator==(const Decision&, const Decision&) = default;
};

struct Approval {
  std::string id;         // 16 hexadecimal digits
  std::string operation;  // its class in the configuration: "key-destroy"
  std::string action;     // as in the audit log: "key-state"
  std::string method, target, content_type;
  std::string body;    // empty once decided
  std::string base;    // what it changes, as it was when it was requested; empty: something new
  std::string digest;  // SHA-256 over the five above
  std::string requested_by;
  std::string fingerprint;  // of the certificate it was requested with
  std::int64_t requested_at_us = 0;
  std::int64_t expires_at_us = 0;
  ApprovalState state = ApprovalState::waiting;
  std::vector<Decision> decisions = {};  // in the order they were made; each administrator's one
  unsigned status = 0;                   // HTTP status of what was done
  std::string answer;                    // its body
};

}  // namespace nae::store
