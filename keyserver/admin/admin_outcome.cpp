#include "keyserver/admin/admin_outcome.hpp"

#include <utility>

#include "keyserver/admin/api/problem.hpp"

namespace nae::admin {

AdminOutcome AdminOutcome::refused(const Error& why, unsigned http_status) {
  AdminOutcome outcome;
  outcome.refuse(why, http_status);
  return outcome;
}

void AdminOutcome::refuse(const Error& why, unsigned http_status) {
  response = http::problem(why, http_status);
  reason = name(why.code);
  error = why;
}

void AdminOutcome::allow(unsigned status, json::object body) {
  response.status = status;
  response.body = json::serialize(body);
  answer = std::move(body);
}

void AdminOutcome::wait() {
  if (!in_force) return;
  if (auto waited = std::exchange(in_force, nullptr)(); !waited) fall_behind(waited.error());
}

// No success, but what was issued is told: nobody could have it again. What was refused may be
// because it is so already: the call that made it so may have been cut off before this was known.
void AdminOutcome::fall_behind(const Error& behind) {
  if (error) {
    if (detail.empty()) detail = error->message;
    detail += "; " + behind.message;
    Error both = *error;
    both.message += "; " + behind.message;
    refuse(both, response.status);
  } else {
    refuse(behind);
    response.body = api::problem_with_answer(behind, response.status, std::move(answer));
    if (detail.empty()) detail = behind.message;  // else the reason says it
  }
}

}  // namespace nae::admin
