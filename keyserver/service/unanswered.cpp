#include "keyserver/service/unanswered.hpp"

#include "keyserver/audit/batch.hpp"
#include "keyserver/policy/verdict.hpp"
#include "keyserver/service/asked.hpp"
#include "keyserver/service/caller.hpp"
#include "libnae/base/clock.hpp"

namespace nae::service {

void record_unanswered(const NaeParts& parts, const net::PeerIdentity& peer,
                       const WaitingRequest& waiting) {
  audit::Record record =
      record_of_refused(waiting.views.request(), parts.core.ring, unix_time_us());
  record.verdict = name(policy::Verdict::deny);
  record.reason = name(parts.devices.admits(peer) ? Code::connection_lost : Code::device_unknown);
  audit::Batch batch;
  batch.add(waiting.caller->fragment(), record);
  // A log that takes no records refuses requests: this one is refused already.
  static_cast<void>(parts.audit.append_requests(batch));
}

}  // namespace nae::service
