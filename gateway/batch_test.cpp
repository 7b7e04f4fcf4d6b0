#include "gateway/batch.hpp"

#include <gtest/gtest.h>

#include "libnae/wire/crypto_message.hpp"

namespace nae::gateway {
namespace {

using wire::ItemResult;

// What one value is shown as, or the status and name of the refusal.
std::string shown(const AnswerField& field, std::uint16_t status, std::string_view text) {
  std::vector<AnswerFinding> findings(1);
  findings[0].field = &field;
  const ColumnHeader header = field.column.header();
  findings[0].value.header = header;
  const DecryptBatch batch(findings);
  const ByteView bytes = as_bytes(text);
  const Replies replies = {{ItemReply{status, Bytes(bytes.begin(), bytes.end())}}};
  auto texts = batch.texts(replies);
  return texts ? texts->at(0)
               : std::to_string(texts.error().status) + " " + std::string(texts.error().name) +
                     (texts.error().retry_after_s > 0 ? " again" : "");
}

std::uint16_t number(ItemResult result) {
  return static_cast<std::uint16_t>(result);
}
std::uint16_t number(Code code) {
  return static_cast<std::uint16_t>(code);
}

TEST(DecryptBatch, MasksWhateverTheVerdictIs) {
  AnswerField field;
  EXPECT_EQ(shown(field, number(ItemResult::value), "41111111"), "\"41111111\"");
  EXPECT_EQ(shown(field, number(ItemResult::masked), "****1111"), "\"****1111\"");
  field.mask = true;
  EXPECT_EQ(shown(field, number(ItemResult::value), "41111111"), "\"********\"");
  EXPECT_EQ(shown(field, number(ItemResult::masked), "****1111"), "\"********\"");
  field.keep_last = 2;
  EXPECT_EQ(shown(field, number(ItemResult::masked), "****1111"), "\"******11\"");
  EXPECT_EQ(shown(field, number(ItemResult::null), ""), "null");
}

TEST(DecryptBatch, ShowsNoFailureAsAVerdict) {
  AnswerField field;
  for (const Code verdict : {Code::denied, Code::user_token_rejected}) {
    field.denied = Denied::null;
    EXPECT_EQ(shown(field, number(verdict), ""), "null");
    field.denied = Denied::ciphertext;
    EXPECT_EQ(shown(field, number(verdict), ""), "\"nae1:\"");
  }
  field.denied = Denied::refuse;
  EXPECT_EQ(shown(field, number(Code::denied), ""), "403 denied");
  for (const Denied denied : {Denied::null, Denied::ciphertext, Denied::refuse}) {
    field.denied = denied;
    EXPECT_EQ(shown(field, number(Code::limit_exceeded), ""), "429 limit_exceeded again");
    EXPECT_EQ(shown(field, number(Code::connection_lost), ""), "503 key_server_unavailable again");
    EXPECT_EQ(shown(field, number(Code::envelope_malformed), ""), "502 key_server_refused");
    EXPECT_EQ(shown(field, 65535, ""), "502 key_server_refused");
  }
}

}  // namespace
}  // namespace nae::gateway
