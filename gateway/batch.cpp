#include "gateway/batch.hpp"

#include <algorithm>

#include "gateway/inspection/canonical_value.hpp"
#include "libnae/crypto/base64.hpp"
#include "libnae/wire/crypto_message.hpp"

namespace nae::gateway {
namespace {

using wire::ItemResult;

constexpr unsigned kRetryAfter_s = 1;

// The question of this key, made where there is none.
std::size_t question_of(std::vector<Question>& questions,
                        std::vector<std::vector<std::size_t>>& members, Action action,
                        const std::string& key) {
  for (std::size_t i = 0; i < questions.size(); ++i)
    if (questions[i].key == key) return i;
  questions.push_back({action, key, {}, {}});
  members.emplace_back();
  return questions.size() - 1;
}

// All but the last `keep` characters of UTF-8 as asterisks.
std::string masked_text(std::string_view text, std::size_t keep) {
  std::size_t characters = 0;
  for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  std::string out;
  std::size_t at = 0;
  for (const char c : text) {
    const bool begins = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    if (begins) ++at;
    if (at + keep > characters)
      out += c;
    else if (begins)
      out += '*';
  }
  return out;
}

}  // namespace

Refusal refusal_of(const Error& error) {
  const std::string code(name(error.code));
  switch (error.code) {
    case Code::denied:
      return {403, "denied", "the policy does not allow it", 0};
    case Code::user_token_rejected:
      return {401, "user_token_rejected", "the bearer token is not accepted", 0};
    case Code::limit_exceeded:
      return {429, "limit_exceeded", "a limit of the policy is used up", kRetryAfter_s};
    case Code::value_too_large:
    case Code::too_many_items:
    case Code::frame_too_large:
      return {413, "value_too_large", "the values are too large", 0};
    case Code::timeout:
      return {503, "key_server_unavailable", "the key server did not answer in time",
              kRetryAfter_s};
    default:
      if (row(error.code).retryable)
        return {503, "key_server_unavailable", "the key server cannot be reached", kRetryAfter_s};
      return {502, "key_server_refused", "the key server refused: " + code, 0};
  }
}

EncryptBatch::EncryptBatch(const std::vector<Finding>& findings) : findings_(findings) {
  aad_.reserve(findings.size());  // questions have views of it
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const Finding& found = findings[i];
    aad_.push_back(column_aad(found.column->header()));
    const std::size_t at =
        question_of(questions_, members_, Action::encrypt, found.column->key_to_encrypt());
    questions_[at].items.push_back(found.plaintext);
    questions_[at].aad.push_back(aad_.back());
    members_[at].push_back(i);
  }
}

Result<std::vector<std::string>> EncryptBatch::texts(const Replies& replies) const {
  std::vector<std::string> texts(findings_.size());
  for (std::size_t q = 0; q < questions_.size(); ++q) {
    if (replies[q].size() != members_[q].size())
      return fail(Code::protocol_violation, "an answer has another count of items");
    for (std::size_t i = 0; i < members_[q].size(); ++i) {
      const ItemReply& reply = replies[q][i];
      // Null, masked and what else is no ciphertext must never stand in a ciphertext's place.
      if (reply.status != static_cast<std::uint16_t>(ItemResult::value))
        return fail(code_from_wire(reply.status).value_or(Code::internal),
                    "a value was not encrypted");
      const std::size_t member = members_[q][i];
      NAE_ASSIGN(texts[member], column_text(*findings_[member].column, reply.bytes));
    }
  }
  return texts;
}

DecryptBatch::DecryptBatch(const std::vector<AnswerFinding>& findings) : findings_(findings) {
  aad_.reserve(findings.size());
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const AnswerFinding& found = findings[i];
    aad_.push_back(column_aad(found.value.header));
    const std::size_t at =
        question_of(questions_, members_, Action::decrypt, found.field->column.key);
    questions_[at].items.push_back(found.value.envelope);
    questions_[at].aad.push_back(aad_.back());
    members_[at].push_back(i);
  }
}

Understood<std::string> DecryptBatch::text(const AnswerFinding& found, std::uint16_t status,
                                           ByteView bytes) const {
  const AnswerField& field = *found.field;
  const PlainType type = field.column.type;
  const std::string ciphertext =
      "\"nae1:" + crypto::to_base64(found.bytes) + "\"";  // which needs no escapes
  switch (status) {
    case static_cast<std::uint16_t>(ItemResult::value): {
      if (field.mask) return json_quoted(masked_text(as_text(bytes), field.keep_last));
      auto value = json_of_canonical(type, bytes);
      if (!value) return refuse(502, "value_unreadable", "a value has another form than its type");
      return *std::move(value);
    }
    case static_cast<std::uint16_t>(ItemResult::null):
      return std::string("null");
    case static_cast<std::uint16_t>(ItemResult::masked):
      // The stricter of both masks counts.
      return json_quoted(field.mask ? masked_text(as_text(bytes), field.keep_last)
                                    : std::string(as_text(bytes)));
    case static_cast<std::uint16_t>(ItemResult::ciphertext):
      return ciphertext;
    default:
      break;
  }
  const Code code = code_from_wire(status).value_or(Code::internal);
  // What failed and may pass by itself is no verdict: an application would store the null.
  const bool is_verdict = code == Code::denied || code == Code::user_token_rejected;
  if (field.denied == Denied::refuse || !is_verdict)
    return tl::unexpected(refusal_of({code, "a value is not shown"}));
  return field.denied == Denied::null ? "null" : ciphertext;
}

Understood<std::vector<std::string>> DecryptBatch::texts(const Replies& replies) const {
  std::vector<std::string> texts(findings_.size());
  for (std::size_t q = 0; q < questions_.size(); ++q) {
    if (replies[q].size() != members_[q].size())
      return refuse(502, "key_server_refused", "an answer has another count of items");
    for (std::size_t i = 0; i < members_[q].size(); ++i) {
      const std::size_t member = members_[q][i];
      auto shown = text(findings_[member], replies[q][i].status, replies[q][i].bytes);
      if (!shown) return tl::unexpected(shown.error());
      texts[member] = *std::move(shown);
    }
  }
  return texts;
}

Understood<std::vector<std::string>> DecryptBatch::texts(const Error& denied) const {
  std::vector<std::string> texts;
  for (const AnswerFinding& found : findings_) {
    auto shown = text(found, static_cast<std::uint16_t>(denied.code), {});
    if (!shown) return tl::unexpected(shown.error());
    texts.push_back(*std::move(shown));
  }
  return texts;
}

}  // namespace nae::gateway
