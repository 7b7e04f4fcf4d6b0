// Looks at the wall clock once a second, says when it jumps, and carries the time to the store.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>

#include "keyserver/keys/time_keeper.hpp"
#include "keyserver/server/repeating.hpp"

namespace nae::server {

// On the loop's thread.
class ClockWatch {
 public:
  using RecordEvent = std::function<Result<void>(std::string_view event, const std::string&)>;
  ClockWatch(boost::asio::io_context& loop, keys::TrustedTime& clock, keys::TimeKeeper& keeper,
             RecordEvent record_event)
      : clock_(clock),
        keeper_(keeper),
        record_event_(std::move(record_event)),
        looks_(loop, std::chrono::seconds(1), [this] { look(); }) {}

  // `newest_record_us`: LogHealth::newest_at_us. Before anything asks for the time.
  Result<void> begin(std::int64_t newest_record_us);
  void start() { looks_.start(); }
  void save();  // and every ten seconds by itself: so much of the time a crash of the machine loses

 private:
  void look();
  void tell();

  keys::TrustedTime& clock_;
  keys::TimeKeeper& keeper_;
  RecordEvent record_event_;
  Repeating looks_;
  std::uint64_t told_jumps_ = 0;
  bool told_trusted_ = true;
  int since_saved_ = 0;  // looks
};

}  // namespace nae::server
