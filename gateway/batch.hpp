// What a request's or an answer's values are asked as, and what the answers make of them. All of a
// request's values travel together: one question a key, all in one write.
#pragma once

#include <string>
#include <vector>

#include "gateway/agent_link.hpp"
#include "gateway/inspection/inspection.hpp"

namespace nae::gateway {

// A failure of agent or key server as the client sees it. What may pass by itself is 503 with
// Retry-After.
Refusal refusal_of(const Error& error);

class EncryptBatch {
 public:
  // `findings` live as long as the batch.
  explicit EncryptBatch(const std::vector<Finding>& findings);
  const std::vector<Question>& questions() const { return questions_; }
  // One text for each finding.
  Result<std::vector<std::string>> texts(const Replies& replies) const;

 private:
  const std::vector<Finding>& findings_;
  std::vector<ColumnAad> aad_;
  std::vector<std::vector<std::size_t>> members_;  // findings of each question
  std::vector<Question> questions_;
};

class DecryptBatch {
 public:
  explicit DecryptBatch(const std::vector<AnswerFinding>& findings);
  const std::vector<Question>& questions() const { return questions_; }
  // A JSON value for each finding, by its verdict. `denied`: that of all questions together.
  Understood<std::vector<std::string>> texts(const Replies& replies) const;
  Understood<std::vector<std::string>> texts(const Error& denied) const;

 private:
  Understood<std::string> text(const AnswerFinding& found, std::uint16_t status,
                               ByteView bytes) const;
  const std::vector<AnswerFinding>& findings_;
  std::vector<ColumnAad> aad_;
  std::vector<std::vector<std::size_t>> members_;
  std::vector<Question> questions_;
};

}  // namespace nae::gateway
