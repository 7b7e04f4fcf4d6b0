// What an auditor looks at first: denials that come in bursts, who uses a key for the first time,
// limits that were reached, and how much was decrypted compared with the week before.
#pragma once

#include <string>
#include <vector>

#include "keyserver/audit/query.hpp"

namespace nae::audit {

inline constexpr std::uint64_t kBurstRequests = 10;            // denied ones of one kind
inline constexpr std::int64_t kBurstTimeUs = 60'000'000;       // within this
inline constexpr std::int64_t kUsualTimeUs = 604'800'000'000;  // a week
inline constexpr std::size_t kMaxReportGroups = 10'000;        // askers choose names
inline constexpr std::string_view kLimitExceeded = "limit_exceeded";

struct Burst {
  std::string device, role, action, key, reason;
  std::uint64_t requests = 0;
  std::int64_t first_us = 0, last_us = 0;
};
struct FirstUse {
  std::string role, key, device, action;
  std::int64_t time_us = 0;
};
struct Breach {
  std::string role, key, action;
  std::uint64_t requests = 0, items = 0;
  std::int64_t last_us = 0;
};
// Everything that was refused, for whatever reason.
struct Refusal {
  std::string device, action, reason;
  std::uint64_t requests = 0, items = 0;
  std::int64_t last_us = 0;
};
struct Volume {
  std::string role, key;
  std::uint64_t items = 0;  // decrypted in the time of the report
  double usual_items = 0;   // in as much time of the week before
};

struct Report {
  std::int64_t since_us = 0, until_us = 0;
  std::vector<Burst> bursts;         // most requests first
  std::vector<FirstUse> first_uses;  // granted ones, oldest first
  std::vector<Breach> breaches;      // most requests first
  std::vector<Refusal> refusals;     // most requests first
  std::vector<Volume> volumes;       // most items first
  bool complete = true;              // false: more groups than kMaxReportGroups
};

// Reads the whole log, for who was seen before `since_us` matters.
Result<Report> make_report(const std::filesystem::path& directory, std::int64_t since_us,
                           std::int64_t until_us);

}  // namespace nae::audit
