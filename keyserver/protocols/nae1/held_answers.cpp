#include "keyserver/protocols/nae1/held_answers.hpp"

#include "keyserver/policy/verdict.hpp"
#include "libnae/wire/error_message.hpp"

namespace nae::nae1 {
namespace {

// How soon it pays to ask again when the audit log could not be written.
constexpr std::uint32_t kUnwrittenRetryMs = 1'000;

}  // namespace

void HeldAnswers::refuse(std::uint64_t request_id, const audit::ContextFragment& context,
                         audit::Record record, const Error& error) {
  record.verdict = name(policy::Verdict::deny);
  record.reason = name(error.code);
  records_.add(context, record);
  wire::append_error(replies_, request_id, {error, 0});
  held(request_id);
}

std::size_t HeldAnswers::release(audit::Log& log, Bytes& out) {
  if (ids_.empty()) return 0;
  std::size_t refused = 0;
  if (auto written = log.append_requests(records_.batch()); !written) {
    refused = ids_.size();
    for (std::uint64_t id : ids_) wire::append_error(out, id, {written.error(), kUnwrittenRetryMs});
  } else if (out.empty()) {
    out.swap(replies_);
  } else {
    out.insert(out.end(), replies_.begin(), replies_.end());
  }
  replies_.clear();
  records_.clear_batch();
  ids_.clear();
  return refused;
}

void HeldAnswers::write_counts(audit::Log& log) {
  if (!records_.counting()) return;
  if (log.append_requests(records_.counts())) records_.forget_counts();
}

void HeldAnswers::write_all_counts(audit::Log& log) {
  while (records_.counting()) {
    if (!log.append_requests(records_.counts())) return;
    records_.forget_counts();
  }
}

}  // namespace nae::nae1
