#include "keyserver/commands/cards.hpp"

#include <cstdio>

namespace nae::commands {

void CardOptions::add_to(CLI::App& command) {
  command.add_option("--software-card", software_cards_, "A card in a file; repeatable");
  command.add_option("--passphrase-file", passphrases_,
                     "Its passphrase; one for each, in their order");
  command.add_option("--card-module", module_, "PKCS#11 library of the cards");
  command.add_option("--card-token", tokens_, "Label of a card's token; repeatable");
  command.add_option("--card-pin-file", pins_, "Its PIN; one for each, in their order");
}

bool CardOptions::name(server::CardsAtReader& cards) const {
  if (software_cards_.size() != passphrases_.size() || tokens_.size() != pins_.size()) {
    (void)std::fprintf(stderr, "nae-keyserver: each card needs its passphrase or PIN file\n");
    return false;
  }
  for (std::size_t i = 0; i < software_cards_.size(); ++i)
    cards.software_cards.push_back({software_cards_[i], passphrases_[i]});
  for (std::size_t i = 0; i < tokens_.size(); ++i)
    cards.token_cards.push_back({module_, tokens_[i], pins_[i]});
  return true;
}

void CustodianOptions::add_to(CLI::App& command) {
  command.add_option("--custody", quorum_,
                     "K/N: that many of the cards together open the group's keys");
  command.add_option("--card", cards_,
                     "Certificate or public key of a custodian's card, FILE named by its "
                     "holder; repeatable");
  command.add_option("--sha1-card", sha1_cards_,
                     "The same for a card whose module does OAEP with SHA-1 alone");
}

bool CustodianOptions::choose(setup::CustodyChoice& custody) const {
  const auto chosen = setup::choose_custody(quorum_, cards_, sha1_cards_, custody);
  if (!chosen) report(chosen.error());
  return chosen.has_value();
}

}  // namespace nae::commands
