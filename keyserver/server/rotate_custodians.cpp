#include "keyserver/server/rotate_custodians.hpp"

#include <algorithm>

#include "keyserver/hsm/provision.hpp"
#include "keyserver/server/custody_in_force.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/offline_ledger.hpp"
#include "keyserver/server/offline_log.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/server/own_custody.hpp"
#include "keyserver/server/room.hpp"
#include "keyserver/server/terminal_question.hpp"
#include "keyserver/server/unfinished_restore.hpp"
#include "keyserver/setup/initialise.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/text.hpp"

namespace nae::server {
namespace {

constexpr unsigned kOwnersOnly = 0600;

// SHA-256 of each card's SubjectPublicKeyInfo: what its holder reads out.
std::vector<std::string> cards_in(const custody::CustodySet& set) {
  std::vector<std::string> cards;
  for (const custody::ShareRecord& share : set.shares)
    cards.push_back(share.holder + " " + to_hex(share.card));
  return cards;
}

Result<void> ask_first(const Rotation& wanted, const std::vector<custody::Card>& cards) {
  std::string question = "The keys go to these cards, " + std::to_string(wanted.next.k) + " of " +
                         std::to_string(cards.size()) +
                         ". Compare each SHA-256 with its holder, by voice:\n";
  for (const custody::Card& card : cards)
    question += "  " + to_hex(custody::digest_of(card)) + "  " + card.holder + "\n";
  if (answered_yes(question, wanted.yes)) return {};
  return fail(Code::invalid_argument, "not confirmed, so nothing was done",
              "Answer y to go on; --yes does not ask.");
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
         " to " + std::to_string(after.generation) + ", SHA-256 " + rotated.sha256 +
         ", by the cards of " + names_in(rotated.gave) +
         "; no more: " + (rotated.former.empty() ? "nobody" : names_in(rotated.former)) + "; " +
         std::to_string(after.k) + " of " + std::to_string(after.n()) + ": " +
         names_in(rotated.cards);
}

// The file that is replaced, under a name of its own; taken away again unless it is kept.
class Aside {
 public:
  explicit Aside(std::filesystem::path file) : file_(std::move(file)) {}
  ~Aside() {
    std::error_code ignored;
    if (made_) std::filesystem::remove(file_, ignored);
  }
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

  // One that an earlier run put aside is the same one, or there is none.
  Result<void> put(const std::string& content) {
    if (!name_is_taken(file_)) {
      NAE_TRY(write_new_file(file_, as_bytes(content), kOwnersOnly));
      made_ = true;
      return {};
    }
    NAE_ASSIGN(const std::string there, read_file(file_, custody::kMaxSetBytes));
    if (there == content) return {};
    return fail(Code::file_failed, file_.string() + " is another custody file",
                "Move it away: it is not overwritten.");
  }
  void keep() { made_ = false; }

 private:
  const std::filesystem::path file_;
  bool made_ = false;
};

// Of a group: who is in charge of the store keeps others from writing. It is taken, and given back:
// people may take longer than a lease to find their cards.
Result<void> refuse_beside_another(const config::Config& config) {
  if (config.store.url.empty()) return {};
  return open_store_after_own(config).map([](const auto&) {});
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
  NAE_TRY(find_room("a change of custodians", room_to_work(config)));
  NAE_TRY(refuse_superseded_here(config, before, rotated.file));
  NAE_TRY(refuse_beside_another(config));
  NAE_TRY(ask_first(wanted, cards));
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
  rotated.cards = cards_in(after);
  rotated.former = left_out(before, after);
  rotated.sha256 = to_hex(crypto::sha256(file));
  rotated.before = rotated.file;
  rotated.before += ".generation-" + std::to_string(before.generation);
  rotated.is_configured_elsewhere = is_elsewhere(config, rotated.file);

  // Only the rename is left behind the record.
  NAE_ASSIGN(NewFile next, NewFile::reserve(rotated.file, kOwnersOnly));
  NAE_TRY(next.hold(file));
  Aside aside(rotated.before);
  NAE_TRY(aside.put(content));
  NAE_ASSIGN(const auto store, open_store_after_own(config));
  NAE_TRY(take_up_ledger_if_there(*store, *hsm));
  NAE_ASSIGN(OfflineLog log,
             OfflineLog::open(config, *store, *hsm, "nae-keyserver rotate-custodians", *store));
  NAE_TRY(log.record("custodians-changed", detail_of(before, after, rotated)));
  if (auto replaced = next.replace(); !replaced) {
    NAE_TRY(log.record("custodians-not-changed", "generation " + std::to_string(after.generation) +
                                                     ", SHA-256 " + rotated.sha256 + ": " +
                                                     replaced.error().message));
    return fail(std::move(replaced).error());
  }
  aside.keep();
  // What the ledger knows as in force must be what is there after a power cut.
  if (!next.is_durable())
    rotated.not_in_ledger = "the disk failed to keep the new file's name";
  else if (auto known = take_up_custody(*store, after, rotated.file); !known)
    rotated.not_in_ledger = known.error().message;
  return rotated;
}

std::string report_of(const Rotated& rotated) {
  std::string text = "the keys are in other hands: generation " +
                     std::to_string(rotated.generation) + ", " + std::to_string(rotated.k) +
                     " of " + std::to_string(rotated.cards.size()) + " cards open " +
                     rotated.file.string() + "\n  by the cards   " + names_in(rotated.gave) + "\n";
  for (const std::string& card : rotated.cards) text += "  holder now     " + card + "\n";
  if (!rotated.former.empty()) text += "  no more        " + names_in(rotated.former) + "\n";
  text += "  SHA-256        " + rotated.sha256 + "\n  the one before " + rotated.before.string() +
          "   (destroy it, and its copies, when each new card was checked)\n";
  if (!rotated.not_in_ledger.empty())
    text +=
        "  the ledger does not know it yet, but from the next start on: " + rotated.not_in_ledger +
        "\n";
  if (rotated.is_configured_elsewhere)
    text += "  approval.custody names another file: put this one in its place\n";
  return text + "next: nae custody check " + rotated.file.string() +
         " with each new card, and a backup; in a group copy the file to each key server before "
         "it is started\n";
}

}  // namespace nae::server
