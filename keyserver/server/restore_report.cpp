// What a restore says when it has ended well.
#include <ctime>

#include "keyserver/server/restore.hpp"

namespace nae::server {
namespace {

std::string time_text(std::uint64_t at_s) {
  const auto at = static_cast<std::time_t>(at_s);
  std::tm parts{};
  ::gmtime_r(&at, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts));
}

}  // namespace

std::string report_of(const config::Config& config, const Restored& restored) {
  std::string text;
  if (!restored.taken_back.empty())
    text += "an earlier restore was interrupted at its step '" + restored.taken_back +
            "'; what it had made is removed\n";
  text += "the keys are on the token '" + config.hsm.token_label + "'" +
          (restored.token_created ? ", which is new" : "") + "\n  cards     " +
          names_in(restored.holders) + "\n";
  if (restored.store_made_at_s != 0)
    text += "  store     " + config.store.path.string() + ", as it was at " +
            time_text(restored.store_made_at_s) + "; what was changed since is missing\n";
  if (!restored.custody_written.empty()) {
    text += "  custody   " + restored.custody_written.string() + ", which was not there\n";
    std::error_code error;
    if (!config.approval.custody.empty() &&
        !std::filesystem::exists(config.approval.custody, error))
      text += "  approval.custody names " + config.approval.custody.string() +
              ", which is not there: copy it to that place\n";
  }
  text += "  opened    " + std::to_string(restored.versions) + " key versions of " +
          (config.store.path.empty() ? "the store" : config.store.path.string()) + "\n";
  if (!restored.not_portable.empty())
    text += "  missing   " + names_in(restored.not_portable) +
            "   (ed25519 and x25519 keys stay on the token they were made on)\n";
  if (!restored.not_recorded.empty())
    text += "  the audit log has no record of it: " + restored.not_recorded + "\n";
  return text;
}

}  // namespace nae::server
