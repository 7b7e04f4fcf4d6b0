#include "keyserver/server/rotate_custodians.hpp"

#include <algorithm>

#include "keyserver/hsm/provision.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/offline_ledger.hpp"
#include "keyserver/server/offline_log.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/server/own_custody.hpp"
#include "keyserver/server/unfinished_restore.hpp"
#include "keyserver/setup/initialise.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/text.hpp"

namespace nae::server {
namespace {

constexpr unsigned kOwnersOnly = 0600;

std::vector<std::string> holders_of(const custody::CustodySet& set) {
  std::vector<std::string> holders;
  for (const custody::ShareRecord& share : set.shares) holders.push_back(share.holder);
  return holders;
}

// Cards that open the file no more, under whatever name.
std::vector<std::string> left_out(const custody::CustodySet& before,
                                  const custody::CustodySet& after) {
  std::vector<std::string> former;
  for (const custody::ShareRecord& share : before.shares)
    if (std::ranges::find(after.shares, share.card, &custody::ShareRecord::card) ==
        after.shares.end())
      former.push_back(share.holder);
  return former;
}

std::string detail_of(const custody::CustodySet& before, const custody::CustodySet& after,
                      const Rotated& rotated) {
  return "group " + to_hex(after.group) + ", generation " + std::to_string(before.generation) +
         " to " + std::to_string(after.generation) + ", by the cards of " + names_in(rotated.gave) +
         "; " + std::to_string(after.k) + " of " + std::to_string(after.n()) + ": " +
         names_in(rotated.holders) +
         "; no more: " + (rotated.former.empty() ? "nobody" : names_in(rotated.former)) +
         "; SHA-256 " + rotated.sha256;
}

// The file that an earlier run put aside is the same one, or there is none.
Result<void> put_aside(const std::filesystem::path& aside, const std::string& content) {
  if (!name_is_taken(aside)) return write_new_file(aside, as_bytes(content), kOwnersOnly);
  NAE_ASSIGN(const std::string there, read_file(aside, custody::kMaxSetBytes));
  if (there == content) return {};
  return fail(Code::file_failed, aside.string() + " is another custody file",
              "Move it away: it is not overwritten.");
}

bool is_elsewhere(const config::Config& config, const std::filesystem::path& file) {
  std::error_code error;
  return !config.approval.custody.empty() &&
         !std::filesystem::equivalent(config.approval.custody, file, error);
}

}  // namespace

Result<Rotated> rotate_custodians(const config::Config& config, const Rotation& wanted) {
  if (!config.hsm.softhsm_configuration.empty())
    setup::use_softhsm_configuration(config.hsm.softhsm_configuration);
  // Whatever can be refused is refused before a card is asked.
  NAE_ASSIGN(const std::vector<custody::Card> cards, setup::read_cards(wanted.next));
  NAE_TRY(custody::check_quorum({wanted.next.k, cards.size()}));
  NAE_ASSIGN(const Alone alone, work_alone(config));
  NAE_TRY(refuse_unfinished_restore(config));
  Rotated rotated;
  rotated.file = config::group_directory(config) / setup::kCustodyFile;
  NAE_ASSIGN(const std::string content, read_file(rotated.file, custody::kMaxSetBytes));
  NAE_ASSIGN(const custody::CustodySet before, own_custody(config, rotated.file));
  NAE_ASSIGN(const OpenedCustody opened, open_custody(before, wanted));
  rotated.gave = opened.holders;
  NAE_ASSIGN(const hsm::WrappedGroup anew, hsm::change_custody(hsm_options(config), opened.group));

  NAE_ASSIGN(const auto hsm, hsm::Pkcs11Hsm::open(hsm_options(config)));
  NAE_ASSIGN(const Bytes file,
             setup::make_custody_file(*hsm, anew, opened.so_pin.size() ? &opened.so_pin : nullptr,
                                      wanted.next.k, cards,
                                      static_cast<std::uint64_t>(unix_time_us() / 1'000'000)));
  NAE_ASSIGN(const custody::CustodySet after, custody::parse_custody_set(file));
  rotated.generation = after.generation;
  rotated.k = after.k;
  rotated.holders = holders_of(after);
  rotated.former = left_out(before, after);
  rotated.sha256 = to_hex(crypto::sha256(file));
  rotated.before = rotated.file;
  rotated.before += ".generation-" + std::to_string(before.generation);
  rotated.is_configured_elsewhere = is_elsewhere(config, rotated.file);

  NAE_ASSIGN(const auto store, open_store(config));
  NAE_TRY(take_up_ledger_if_there(*store, *hsm));
  NAE_ASSIGN(OfflineLog log,
             OfflineLog::open(config, *store, *hsm, "nae-keyserver rotate-custodians", *store));
  NAE_TRY(put_aside(rotated.before, content));
  NAE_TRY(log.record("custodians-changed", detail_of(before, after, rotated)));
  NAE_TRY(replace_file(rotated.file, file, kOwnersOnly));
  return rotated;
}

std::string report_of(const Rotated& rotated) {
  std::string text = "the keys are in other hands: generation " +
                     std::to_string(rotated.generation) + ", " + std::to_string(rotated.k) +
                     " of " + std::to_string(rotated.holders.size()) + " cards open " +
                     rotated.file.string() + "\n  by the cards   " + names_in(rotated.gave) +
                     "\n  holders now    " + names_in(rotated.holders) + "\n";
  if (!rotated.former.empty()) text += "  no more        " + names_in(rotated.former) + "\n";
  text += "  SHA-256        " + rotated.sha256 + "\n  the one before " + rotated.before.string() +
          "   (destroy it, and its copies, when each new card was checked)\n";
  if (rotated.is_configured_elsewhere)
    text += "  approval.custody names another file: put this one in its place\n";
  return text + "next: nae custody check " + rotated.file.string() +
         " with each new card, and a backup\n";
}

}  // namespace nae::server
