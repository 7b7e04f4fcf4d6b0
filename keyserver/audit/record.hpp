// What the audit log records. Views: a record lives only until it is encoded. The fields and
// their order are fixed in docs/spec/audit.md.
#pragma once

#include <cstdint>
#include <string_view>

namespace nae::audit {

// The action of records of search tokens: they are made by encrypt, but nothing of them is stored.
inline constexpr std::string_view kSearchAct = "search";

// Longer texts are cut before they are written: the asker chooses some of them, and must not be
// able to fill the disk with them.
inline constexpr std::size_t kMaxFieldBytes = 256;
inline constexpr std::size_t kMaxDetailBytes = 2048;

// The part of a record that is the same for every request of one context.
struct Context {
  std::string_view device;
  std::string_view program;
  std::string_view database;
  std::string_view role;  // effective
  std::string_view session_role;
  std::string_view login_role;
  std::string_view client_address;
  std::string_view application_name;
  std::string_view user_issuer = {};  // of the end user's token; empty, as the next, without one
  std::string_view user = {};         // its subject
};

// One request, granted or denied. event = "request".
struct Record {
  std::int64_t time_us = 0;       // Unix time
  std::string_view action;        // name(Action)
  std::string_view key;           // name; empty for hash and random
  std::uint16_t key_version = 0;  // 0 when none was used
  std::uint64_t items = 0;
  std::uint64_t failed_items = 0;
  std::string_view verdict;  // "value", "deny"
  std::string_view reason;   // policy::reason, or name(Code) when the request failed otherwise
  std::string_view rule;
  std::uint64_t query_id = 0;
  std::uint64_t repeated = 1;        // so many like requests in one record (request_records.hpp)
  std::string_view membership = {};  // by which the rule applied; empty: by the effective role
  bool key_known = true;             // there is such a key; not written, but for counting
};

// What an administrator did or tried. event = "admin".
struct AdminRecord {
  std::int64_t time_us = 0;
  std::string_view admin;  // certificate name
  std::string_view client_address;
  std::string_view action;   // "key-create", "policy-apply", ...
  std::string_view target;   // key, device, policy revision ...
  std::string_view verdict;  // "value", "deny"
  std::string_view reason;   // "allowed" or name(Code)
  std::string_view detail;
  std::string_view digest = {};  // of what was decided: "document:...", "key:...", "request:..."
};

// What happened to the server itself: "started", "stopped", "context-refused", and the log's own
// "segment", "recovered", "resumed".
struct EventRecord {
  std::int64_t time_us = 0;
  std::string_view event;
  std::string_view detail;
};

}  // namespace nae::audit
