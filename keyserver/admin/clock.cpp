// /v1/clock: a wall clock that jumped, and is right.
#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/route.hpp"
#include "keyserver/setup/reason.hpp"

namespace nae::admin {

Result<Reply> accept_clock(AdminCall& call) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(const std::string reason, fields.text("reason"));
  NAE_TRY(fields.complete());
  NAE_TRY(setup::check_reason(reason));
  keys::TrustedTime& clock = call.parts.clock;
  if (clock.look())
    return fail(Code::conflict, "the wall clock agrees with the time that has passed",
                "There is nothing to accept.");
  const std::string problem = clock.problem();
  clock.accept();
  call.audit_target = api::format_time(clock.now_us());
  call.audit_detail = problem + ": " + reason;
  NAE_TRY(call.parts.store.store.keep_time(clock.kept()));
  return Reply{{{"time", call.audit_target}, {"was", problem}}};
}

}  // namespace nae::admin
