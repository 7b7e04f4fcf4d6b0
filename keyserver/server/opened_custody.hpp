// What restore and rotate-custodians begin with: nobody else at work, and k cards that open a
// custody file.
#pragma once

#include <string>
#include <vector>

#include "keyserver/config/config.hpp"
#include "keyserver/hsm/group.hpp"
#include "keyserver/setup/claim.hpp"
#include "libnae/custody/card_reader.hpp"

namespace nae::server {

struct Alone {
  setup::Claim directory, token;
};
// One at a time, in a directory and on a token, and none beside a server: what another is making
// now looks like what one left that was interrupted, and would be taken off the token.
// Code::conflict for each of them.
Result<Alone> work_alone(const config::Config& config);

struct CardsAtReader {
  std::vector<custody::SoftwareCardFiles> software_cards;
  std::vector<custody::TokenCard> token_cards;
};

struct OpenedCustody {
  hsm::WrappedGroup group;           // with the custody secret
  crypto::SecretBytes so_pin;        // empty: not in custody
  std::vector<std::string> holders;  // whose cards opened it
};
// Each share is checked when it comes, and its holder named when it is not right.
// Code::approval_required for fewer than k cards, Code::conflict for one that is there twice or of
// another group.
Result<OpenedCustody> open_custody(const custody::CustodySet& set, const CardsAtReader& cards);

// "alice, bob": holders, or versions.
std::string names_in(const std::vector<std::string>& names);

}  // namespace nae::server
