#include "keyserver/server/witness_watch.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "keyserver/audit/witness.hpp"
#include "keyserver/server/open_store.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/log_text.hpp"
#include "libnae/base/text.hpp"

namespace nae::server {

WitnessWatch::WitnessWatch(boost::asio::io_context& loop, const config::Config& config,
                           store::Nodes& nodes, audit::Log& log)
    : loop_(loop),
      own_(node_of(config)),
      nodes_(nodes),
      log_(log),
      again_(loop, config.audit.witness_interval, [this] { look_and_tell(); }) {}

void WitnessWatch::start() {
  boost::asio::post(loop_, [this] { look_and_tell(); });
  again_.start();
}

Result<void> WitnessWatch::look() {
  NAE_ASSIGN(const std::vector<store::Node> nodes, nodes_.list_nodes());
  std::vector<audit::Witness> witnesses;
  for (const store::Node& node : nodes) {
    if (node.name == own_ || node.head.seq == 0) continue;
    // The store is another machine's: what is no name would make the record one of another form.
    if (!is_name(node.name) || node.head.seq > INT64_MAX) {
      spdlog::warn("event=witness-skipped node={}", quoted_text(node.name));
      continue;
    }
    // Also one that is behind the last one: a log that was lost begins anew.
    const auto last = recorded_.find(node.name);
    if (last == recorded_.end() || last->second != node.head)
      witnesses.push_back({node.name, node.head});
  }
  if (witnesses.empty()) return {};
  audit::Batch batch;
  const std::int64_t now_us = unix_time_us();
  for (const std::string& detail : audit::witness_details(witnesses))
    batch.add(audit::EventRecord{now_us, audit::kWitnessEvent, detail});
  NAE_TRY(log_.append(batch));
  for (audit::Witness& witness : witnesses) recorded_[std::move(witness.node)] = witness.point;
  return {};
}

// A store that is away is told of elsewhere.
void WitnessWatch::look_and_tell() {
  if (const auto looked = look(); !looked)
    spdlog::debug("event=witness-failed code={} message={}", name(looked.error().code),
                  quoted_text(looked.error().message));
}

}  // namespace nae::server
