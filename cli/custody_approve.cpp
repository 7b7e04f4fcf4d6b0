// nae custody approve
#include <algorithm>
#include <array>
#include <charconv>
#include <ostream>

#include "cli/approval_command.hpp"
#include "cli/card_options.hpp"
#include "cli/command.hpp"
#include "cli/confirmation.hpp"
#include "cli/custody_command.hpp"
#include "cli/key_material.hpp"
#include "keyserver/admin/api/request_text.hpp"
#include "libnae/base/text.hpp"
#include "libnae/custody/presence.hpp"

namespace nae::cli {
namespace {

using admin::api::shown;

struct PresenceOptions {
  std::string id;
  CardOptions card;
  bool yes = false;
};

template <std::size_t N>
Result<std::array<Byte, N>> bytes_member(const json::value& answer, std::string_view name) {
  NAE_ASSIGN(const Bytes bytes, from_hex(shown(answer, name)));
  std::array<Byte, N> array;
  if (bytes.size() != N)
    return fail(Code::protocol_violation,
                "the server's answer has no good \"" + std::string(name) + "\"");
  std::ranges::copy(bytes, array.begin());
  return array;
}

// Another key of the token may be the custodian's; any other refusal is the answer.
bool is_of_no_custodian(const Failure& failure) {
  return failure.error.code == Code::conflict &&
         failure.error.message.starts_with("this card has no share");
}

Result<custody::Question> card_question_of(const json::value& answer, ByteView public_key) {
  custody::Question question;
  NAE_ASSIGN(question.group, bytes_member<custody::kGroupIdBytes>(answer, "group"));
  const std::string generation = shown(answer, "generation");
  const auto [end, error] = std::from_chars(
      generation.data(), generation.data() + generation.size(), question.generation);
  if (error != std::errc() || end != generation.data() + generation.size())
    return fail(Code::protocol_violation, "the server's answer has no good \"generation\"");
  question.card.holder = shown(answer, "holder");
  question.card.sealing = shown(answer, "sealing") == name(custody::Sealing::rsa_oaep_sha1)
                              ? custody::Sealing::rsa_oaep_sha1
                              : custody::Sealing::rsa_oaep_sha256;
  question.card.card = crypto::sha256(public_key);
  NAE_ASSIGN(question.sealed, from_hex(shown(answer, "sealed")));
  return question;
}

}  // namespace

Result<crypto::Sha256Digest> digest_of_shown(const json::value& approval) {
  const std::string body = shown(approval, "body");
  boost::system::error_code malformed;
  if (!body.empty() && (!json::parse(body, malformed).is_object() || malformed))
    return fail(Code::protocol_violation, "the request's body cannot be shown");
  const auto digest = crypto::sha256(as_bytes(
      admin::api::request_text(shown(approval, "method"), shown(approval, "target"),
                               shown(approval, "content_type"), body, shown(approval, "base"))));
  if (to_hex(digest) == shown(approval, "digest")) return digest;
  return fail(Code::conflict, "the request that was shown is not the one that has this digest",
              "Whoever made this connection may want another one approved: ask the administrators, "
              "over another connection.");
}

namespace {

// A token may hold other keys that decrypt: the first one that the server knows is asked.
Outcome<ExitCode> approve_by_card(Call& call, const PresenceOptions& options) {
  NAE_ANSWER(const std::string id, checked_name(options.id));
  NAE_ANSWER(auto server, call.server());
  const std::string path = "/v1/approvals/" + id;
  NAE_ANSWER(const json::value approval, server->call("GET", path));
  if (!call.json || will_be_asked(call, options.yes))
    NAE_TRY_OUTCOME(show_before_deciding(call, approval));
  NAE_ASSIGN(const auto request, digest_of_shown(approval));
  NAE_TRY_OUTCOME(confirmed(call, options.yes,
                            "Your card approves it; with the last card it is done at once."));
  NAE_ASSIGN(const auto heap, crypto::SecureHeap::take(kSecureHeapBytes));
  NAE_ASSIGN(const auto card, open_card(options.card));
  Outcome<json::value> asked =
      tl::unexpected<Failure>(Error(Code::conflict, "the card has no key that decrypts"));
  std::size_t key = 0;
  for (; key < card->public_keys().size(); ++key) {
    asked = server->call("POST", path + "/questions",
                         {{"public_key", to_hex(card->public_keys()[key])}});
    if (asked || !is_of_no_custodian(asked.error())) break;
  }
  if (!asked) return tl::unexpected<Failure>(std::move(asked).error());
  NAE_ASSIGN(const custody::Question question, card_question_of(*asked, card->public_keys()[key]));
  NAE_ASSIGN(const auto code, custody::answer_question(*card, question, request));
  auto answered = server->call("POST", path + "/presences",
                               {{"question", shown(*asked, "question")}, {"code", to_hex(code)}});
  // With the last card the server does it, and a backup of a large store takes its time.
  if (!answered && answered.error().error.code == Code::timeout)
    answered.error().error.hint =
        "It may be at work on it yet, if this was the last card: nae "
        "approval show " +
        id +
        "; of a backup, who asked for it: nae backup --out FILE "
        "--granted " +
        id;
  NAE_ANSWER(const json::value answer, std::move(answered));
  const std::string state = shown(answer, "state");
  call.show(answer, [&] {
    call.out << "The card of " << question.card.holder << " approves. ";
    if (state == "waiting")
      call.out << shown(answer, "missing") << " of " << shown(answer, "cards")
               << " cards are missing.\n";
    else if (state == "done")
      call.out << "It was the last one: done.\n";
    else
      call.out << "It was the last one, but the request is refused: "
               << shown(answer.at("answer"), "detail") << " (" << shown(answer.at("answer"), "code")
               << ")\n";
  });
  return state == "waiting" ? kWaiting : state == "done" ? kOk : kRefused;
}

}  // namespace

void add_custody_approve(CLI::App& custody, Action& chosen) {
  auto [leaf, options] = add_leaf<PresenceOptions>(
      custody, "approve", "Approve a request that custodians' cards approve, with one card", chosen,
      approve_by_card);
  leaf->add_option("ID", options->id, "As 'nae approvals' shows it")->required();
  add_card_options(*leaf, options->card);
  add_yes(*leaf, options->yes);
  leaf->fallthrough()->footer(
      "Shows the request, and answers for the card what the server asks it. The connection may be\n"
      "any administrator's: it is the card that decides, and its holder who is recorded. Exit "
      "code\n"
      "0: it was the last card and the request is done, 5: others are missing, 1: refused.\n\n"
      "Examples:\n"
      "  nae custody approve 0123456789abcdef --card-module opensc-pkcs11.so \\\n"
      "      --card-token alice --card-pin-file /run/user/1000/pin");
}

}  // namespace nae::cli
