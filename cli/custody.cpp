// nae custody status | check. approve: custody_approve.cpp
#include <ostream>

#include "cli/card_options.hpp"
#include "cli/command.hpp"
#include "cli/custody_command.hpp"
#include "cli/input.hpp"
#include "cli/key_material.hpp"
#include "cli/local_time.hpp"
#include "cli/table.hpp"
#include "keyserver/admin/api/time.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/public_key.hpp"
#include "libnae/custody/arrivals.hpp"

namespace nae::cli {
namespace {

constexpr std::size_t kMaxPublicKeyFileBytes = 64u << 10;
constexpr std::int64_t kUsOfSecond = 1'000'000;

struct CustodyFile {
  std::string file, audit_key;
};
struct CheckedCard : CustodyFile {
  CardOptions card;
};

// A file whose signature is wrong is not looked into any further: what it says is anybody's.
Result<custody::CustodySet> read_custody_file(const CustodyFile& options) {
  NAE_ASSIGN(const std::string content, content_of(options.file, custody::kMaxSetBytes));
  NAE_ASSIGN(custody::CustodySet set, custody::parse_custody_set(as_bytes(content)));
  NAE_TRY(custody::check_signature(set));
  if (options.audit_key.empty()) return set;
  NAE_ASSIGN(const std::string pem, content_of(options.audit_key, kMaxPublicKeyFileBytes));
  NAE_ASSIGN(const auto key, crypto::PublicKey::from_pem(pem));
  if (key.der() == set.find(custody::Kept::audit)->public_key) return set;
  return fail(Code::conflict,
              options.file + " was not signed by the audit key of " + options.audit_key,
              "It is of another group, or somebody made it: take custody.nae from a backup.");
}

json::object custody_json(const custody::CustodySet& set, bool compared) {
  json::array kept, shares;
  for (const custody::KeptKey& key : set.kept)
    kept.push_back(json::object{{"kind", name(key.kind)}, {"bytes", key.wrapped.size()}});
  for (std::size_t i = 0; i < set.n(); ++i) {
    const custody::ShareRecord& share = set.shares[i];
    shares.push_back(json::object{{"share", i + 1},
                                  {"holder", share.holder},
                                  {"sealing", name(share.sealing)},
                                  {"card", to_hex(share.card)},
                                  {"bytes", share.sealed.size()}});
  }
  const auto& audit = set.find(custody::Kept::audit)->public_key;
  return {
      {"group", to_hex(set.group)},
      {"generation", set.generation},
      {"made_at", admin::api::format_time(static_cast<std::int64_t>(set.made_at_s) * kUsOfSecond)},
      {"k", set.k},
      {"n", set.n()},
      {"audit_key", to_hex(crypto::sha256(audit))},
      {"audit_key_compared", compared},
      {"signature", "valid"},
      {"kept", std::move(kept)},
      {"shares", std::move(shares)}};
}

Outcome<ExitCode> show_custody(Call& call, const CustodyFile& options) {
  NAE_ASSIGN(const custody::CustodySet set, read_custody_file(options));
  const bool compared = !options.audit_key.empty();
  const json::object answer = custody_json(set, compared);
  call.show(answer, [&] {
    call.out << "group       " << to_hex(set.group) << ", generation " << set.generation << ", of "
             << local_time_with_zone(json::value_to<std::string>(answer.at("made_at"))) << '\n'
             << "opens with  " << set.k << " of " << set.n() << " cards\n"
             << "keeps       ";
    for (const custody::KeptKey& key : set.kept)
      call.out << (&key == &set.kept.front() ? "" : ", ") << name(key.kind) << " ("
               << key.wrapped.size() << ")";
    call.out << "   (bytes, wrapped)\n"
             << "signature   valid, by the audit key "
             << json::value_to<std::string>(answer.at("audit_key"))
             << (compared ? ", which is the one given\n"
                          : "; whose that is, --audit-key FILE tells\n");
    Table table({"SHARE", "HOLDER", "SEALED BY", "BYTES", "CARD (SHA-256 OF ITS KEY)"});
    for (std::size_t i = 0; i < set.n(); ++i) {
      const custody::ShareRecord& share = set.shares[i];
      table.add({std::to_string(i + 1), share.holder, std::string(name(share.sealing)),
                 std::to_string(share.sealed.size()), to_hex(share.card)});
    }
    call.print(table);
  });
  return kOk;
}

Outcome<ExitCode> check_card(Call& call, const CheckedCard& options) {
  NAE_ASSIGN(const custody::CustodySet set, read_custody_file(options));
  NAE_ASSIGN(const auto heap, crypto::SecureHeap::take(kSecureHeapBytes));
  std::size_t share = 0;
  {
    // The share is wiped before anything is said of it.
    NAE_ASSIGN(const auto card, open_card(options.card));
    NAE_ASSIGN(share, card->find_share(set));
    custody::Arrivals arrivals(set);
    NAE_TRY(arrivals.take(*card));
  }
  const std::string& holder = set.shares[share].holder;
  call.show(json::object{{"holder", holder},
                         {"share", share + 1},
                         {"k", set.k},
                         {"n", set.n()},
                         {"group", to_hex(set.group)},
                         {"generation", set.generation},
                         {"opens", true}},
            [&] {
              call.out << "The card of " << holder << " opens share " << share + 1 << " of "
                       << set.n() << ", and it is the one that the file was made with. It takes "
                       << set.k << " of them.\n";
            });
  return kOk;
}

void add_custody_file(CLI::App& leaf, CustodyFile& options) {
  leaf.add_option("FILE", options.file, "custody.nae, or a copy of it")->required();
  leaf.add_option("--audit-key", options.audit_key,
                  "audit-public.pem of the group, to be compared: anybody can sign a file of his "
                  "own");
}

}  // namespace

void add_custody(CLI::App& app, Action& chosen) {
  CLI::App* custody =
      app.add_subcommand("custody", "Whose cards open a group's keys? Needs a file, and no server");
  custody->require_subcommand(1)->fallthrough();
  auto [status_leaf, status_options] = add_leaf<CustodyFile>(
      *custody, "status", "Show a custody file: group, cards, what is kept", chosen, show_custody);
  add_custody_file(*status_leaf, *status_options);
  status_leaf->fallthrough()->footer(
      "Exit code 0: its signature is valid, 1: it is not, or the file is none.\n\n"
      "Examples:\n  nae custody status custody.nae --audit-key audit-public.pem");

  auto [check_leaf, check_options] = add_leaf<CheckedCard>(
      *custody, "check", "Open one share with its card, and say whether it is right", chosen,
      check_card);
  add_custody_file(*check_leaf, *check_options);
  add_card_options(*check_leaf, check_options->card);
  check_leaf->fallthrough()->footer(
      "At the custodian's desk, once a year: a card that is worth nothing shows before it is\n"
      "needed. The share is not kept, nor shown. One attempt at the PIN.\n\n"
      "Examples:\n"
      "  nae custody check custody.nae --card-module opensc-pkcs11.so --card-token alice \\\n"
      "      --card-pin-file /run/user/1000/pin\n"
      "  nae custody check custody.nae --software-card card.pem --passphrase-file passphrase");
  add_custody_approve(*custody, chosen);
}

}  // namespace nae::cli
