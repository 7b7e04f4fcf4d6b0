#include "cli/awaited_proof.hpp"

#include <cstdint>
#include <optional>
#include <ostream>

#include "cli/progress.hpp"

namespace nae::cli {
namespace {

using admin::api::shown;

constexpr std::uint64_t kBytesOfMegabyte = 1'000'000;
// Each answer is a record of the log: seldom where nobody looks.
constexpr const char *kSeen_s = "3", *kUnseen_s = "30";
// Somebody else's search may come between two questions; the proof goes on meanwhile.
constexpr unsigned kMostTurnedAway = 4;

std::uint64_t megabytes(const json::value& answer, std::string_view name) {
  const json::value* member = answer.as_object().if_contains(name);
  if (member == nullptr) return 0;
  boost::system::error_code none;
  const auto bytes = member->to_number<std::uint64_t>(none);
  return none ? 0 : bytes / kBytesOfMegabyte;
}

}  // namespace

Outcome<json::value> awaited_proof(Server& server, const std::string& from, const std::string& to,
                                   std::ostream& err, bool seen) {
  const std::string path = with_parameters(
      "/v1/audit/verify", {{"from", from}, {"to", to}, {"wait_s", seen ? kSeen_s : kUnseen_s}});
  std::optional<Progress> progress;
  bool begun = false;
  unsigned turned_away = 0;
  for (;;) {
    auto answer = server.call("GET", path);
    if (!answer) {
      if (!begun || answer.error().error.code != Code::overloaded ||
          ++turned_away == kMostTurnedAway)
        return answer;
      continue;
    }
    if (!answer->is_object() || shown(*answer, "running") != "true") return answer;
    begun = true;
    turned_away = 0;
    const std::uint64_t total = megabytes(*answer, "bytes");
    if (!progress && total > 0) progress.emplace(err, "MB", total, seen);
    if (progress) progress->at(megabytes(*answer, "bytes_read"));
  }
}

}  // namespace nae::cli
