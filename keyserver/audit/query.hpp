// Searches a log: a streaming filter over its segments.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libnae/base/result.hpp"

namespace nae::audit {

// A record as it was read back; fields that its kind does not have are empty.
struct StoredRecord {
  std::uint64_t seq = 0;
  std::int64_t time_us = 0;
  std::string event;
  std::string device, program, database, role, session_role, login_role;
  std::string client_address, application_name;
  std::string user_issuer, user;
  std::string action, key;
  std::uint16_t key_version = 0;
  std::uint64_t items = 0, failed_items = 0;
  std::string verdict, reason, rule, membership;
  std::uint64_t query_id = 0;
  std::uint64_t repeated = 1;
  std::string admin, target, detail, digest;
  std::string line;  // the stored JSON, without its newline
};

// Empty fields match everything; texts are globs.
struct Filter {
  std::string event{};
  std::string role{};
  std::string key{};
  std::string action{};
  std::string verdict{};
  std::string device{};
  std::string database{};
  std::string user{};
  std::optional<std::int64_t> from_us{};  // inclusive
  std::optional<std::int64_t> to_us{};    // exclusive
  std::uint64_t after_seq = 0;            // later records alone
  std::size_t limit = 1000;               // the newest so many
};

// Parses one stored line. Code::audit_broken when it is none.
Result<StoredRecord> parse_record(std::string_view line);

// Calls `visit` for every match, oldest first, until it answers false; ignores Filter::limit.
// Code::audit_broken, naming file and line, when a line cannot be parsed.
Result<void> scan(const std::filesystem::path& directory, const Filter& filter,
                  const std::function<bool(StoredRecord&&)>& visit);

// What query() finds, and whether there were older matches past Filter::limit.
struct Newest {
  std::vector<StoredRecord> records;
  bool truncated = false;
};
Result<Newest> newest(const std::filesystem::path& directory, Filter filter);

// A part of the matches, the oldest first, so that all of them can be read with bounded memory.
struct Page {
  std::vector<StoredRecord> records;
  std::optional<std::uint64_t> next;  // Filter::after_seq of the page that follows; empty: the end
};
inline constexpr std::size_t kMaxPageBytes = 8u << 20;
inline constexpr std::size_t kMaxPageScanned = 1'000'000;  // records, however few of them match
// At most Filter::limit matches after Filter::after_seq.
Result<Page> read_page(const std::filesystem::path& directory, const Filter& filter);

// The newest Filter::limit matches, oldest first.
Result<std::vector<StoredRecord>> query(const std::filesystem::path& directory,
                                        const Filter& filter);

}  // namespace nae::audit
