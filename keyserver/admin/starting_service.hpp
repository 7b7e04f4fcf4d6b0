// StartingService: what HTTP answers while the key server waits for something it cannot start
// without. It lives and is not ready; administration there is none yet.
#pragma once

#include <mutex>
#include <string>

#include "keyserver/protocols/http/http_service.hpp"

namespace nae::admin {

// The parts of Readiness, in the order in which they are opened, and the other key servers that
// must have what the store has before this one answers.
enum class StartPart { store, hsm, audit, group };
std::string_view name(StartPart part);

// Why the server has not started yet.
struct StartFailure {
  StartPart part = StartPart::store;  // those before it were found good
  Error error;
};

// Holds the trouble that was found last; set by the main thread, read by all.
class StartingService final : public http::HttpService {
 public:
  void set(StartFailure failure);
  StartFailure failure() const;

  // /healthz answers, /readyz says what is missing, everything else is refused with that error.
  void dispatch(http::HttpRequest request, http::Peer peer, Answer answer) override;
  void count_limited(http::Peer, bool) override {}

 private:
  mutable std::mutex mutex_;
  StartFailure failure_;
};

}  // namespace nae::admin
