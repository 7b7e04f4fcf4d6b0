// `nae-keyserver rotate-custodians`: k cards hand a group's keys over to other cards.
#pragma once

#include <filesystem>

#include "keyserver/server/opened_custody.hpp"
#include "keyserver/setup/custody.hpp"
#include "libnae/base/result.hpp"

namespace nae::server {

struct Rotation : CardsAtReader {  // of those who hold the keys now
  setup::CustodyChoice next;       // who is to hold them
  bool yes = false;  // whose the new cards are is shown before an old one is used, and not asked
};

struct Rotated {
  std::filesystem::path file;    // custody.nae, of the next generation
  std::filesystem::path before;  // the one that it took the place of
  std::uint32_t generation = 0;
  std::size_t k = 0;
  std::vector<std::string> gave, former;  // whose cards opened it, and had it
  std::vector<std::string> cards;         // that have it: holder, and SHA-256 of the public key
  std::string sha256;                     // of the file
  std::string not_in_ledger;              // why the store's ledger has no fact of it; empty: it has
  bool is_configured_elsewhere = false;   // approval.custody names another file
};

// For a server that is stopped, whose token has the keys. The keys stay what they are: inside the
// HSM they are unwrapped by the old custody secret and wrapped by one that is drawn for the new
// cards. The new file is flushed under another name, and the old one kept under one of its own;
// then the audit log names both sets of holders and the digest of the new file; then that gets its
// name, at once: only the rename is left when it is on record, and one that fails is recorded as
// well. Interrupted anywhere, one of both is there, whole, and this can be done again: of two
// records the digest tells which one took effect. At last the ledger is told
// (custody_in_force.hpp); what a kill left untold it learns at the next start. What the old file
// and k old cards open they open for ever: docs/spec/custody.md. Code::invalid_argument where
// answered_yes() is not told so; Code::conflict while something else is at work, and for a token of
// another group; what open_custody(), own_custody() and custody::seal_shares() say.
Result<Rotated> rotate_custodians(const config::Config& config, const Rotation& wanted);

// For who ran it: lines.
std::string report_of(const Rotated& rotated);

}  // namespace nae::server
