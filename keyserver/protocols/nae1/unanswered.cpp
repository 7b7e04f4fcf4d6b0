#include "keyserver/protocols/nae1/unanswered.hpp"

#include "keyserver/audit/batch.hpp"
#include "keyserver/operations/asked.hpp"
#include "keyserver/operations/caller.hpp"
#include "keyserver/policy/verdict.hpp"
#include "libnae/base/clock.hpp"

namespace nae::nae1 {

void record_unanswered(const Parts& parts, const net::PeerIdentity& peer,
                       const WaitingRequest& waiting) {
  audit::Record record =
      operations::record_of_refused(waiting.views.request(), parts.core.ring, unix_time_us());
  record.verdict = name(policy::Verdict::deny);
  record.reason = name(parts.devices.admits(peer) ? Code::connection_lost : Code::device_unknown);
  audit::Batch batch;
  batch.add(waiting.caller->fragment(), record);
  // A log that takes no records refuses requests: this one is refused already.
  static_cast<void>(parts.audit.append_requests(batch));
}

}  // namespace nae::nae1
