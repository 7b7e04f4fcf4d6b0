#include "keyserver/server/opened_custody.hpp"

#include "keyserver/audit/directory_lock.hpp"
#include "libnae/crypto/key_wrap.hpp"
#include "libnae/custody/arrivals.hpp"
#include "libnae/custody/custody_secret.hpp"

namespace nae::server {
namespace {

// The card is closed again before the next one is asked for: two may share a reader.
Result<void> take(custody::Arrivals& arrivals, const auto& card) {
  NAE_ASSIGN(const auto reader, custody::CardReader::open(card));
  return arrivals.take(*reader);
}

}  // namespace

Result<Alone> work_alone(const config::Config& config) {
  NAE_ASSIGN(setup::Claim directory, setup::Claim::take_existing(config::group_directory(config)));
  NAE_ASSIGN(setup::Claim token, setup::Claim::take_token(config.hsm.pin_file));
  if (audit::is_locked(config.audit.directory))
    return fail(
        Code::conflict,
        "a server is running: it writes the audit log in " + config.audit.directory.string(),
        "Stop it first: keys and custody are changed beside none.");
  return Alone{std::move(directory), std::move(token)};
}

Result<OpenedCustody> open_custody(const custody::CustodySet& set, const CardsAtReader& cards) {
  custody::Arrivals arrivals(set);
  for (const custody::SoftwareCardFiles& card : cards.software_cards) NAE_TRY(take(arrivals, card));
  for (const custody::TokenCard& card : cards.token_cards) NAE_TRY(take(arrivals, card));
  OpenedCustody opened;
  opened.holders = arrivals.holders();
  opened.group.group = set.group;
  opened.group.generation = set.generation;
  opened.group.kept = set.kept;
  opened.group.check = set.check;
  NAE_ASSIGN(opened.group.secret, arrivals.join());
  if (const custody::KeptKey* pin = set.find(custody::Kept::so_pin)) {
    NAE_ASSIGN(opened.so_pin,
               crypto::unwrap_kwp(custody::wrapping_key(opened.group.secret, set.group,
                                                        set.generation, custody::Kept::so_pin),
                                  pin->wrapped));
  }
  return opened;
}

std::string names_in(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace nae::server
