// Cards at the key server's reader, and those of new custodians, as options name them.
#pragma once

#include <string>
#include <vector>

#include "keyserver/commands/command.hpp"
#include "keyserver/server/opened_custody.hpp"
#include "keyserver/setup/initialise.hpp"

namespace nae::commands {

class CardOptions {
 public:
  void add_to(CLI::App& command);
  // False, and said on standard error, when a card lacks its passphrase or PIN.
  bool name(server::CardsAtReader& cards) const;

 private:
  std::vector<std::string> software_cards_, passphrases_, tokens_, pins_;
  std::string module_;
};

class CustodianOptions {
 public:
  void add_to(CLI::App& command);
  // False, and said on standard error, when they make no quorum.
  bool choose(setup::CustodyChoice& custody) const;

 private:
  std::string quorum_;
  std::vector<std::string> cards_, sha1_cards_;
};

}  // namespace nae::commands
