// HttpService: who answers the calls that come by HTTP.
#pragma once

#include <functional>
#include <string>

#include "keyserver/protocols/http/http_message.hpp"
#include "net/peer_identity.hpp"

namespace nae::http {

struct Peer {
  net::PeerIdentity identity;
  std::string address;
};

class HttpService {
 public:
  virtual ~HttpService() = default;

  using Answer = std::function<void(HttpResponse)>;
  // Answers exactly once, here or on a thread of its own; never when it is destroyed before.
  // Thread-safe.
  virtual void dispatch(HttpRequest request, Peer peer, Answer answer) = 0;

  // A request that came too soon after others; `first` of a row.
  virtual void count_limited(Peer peer, bool first) = 0;
};

}  // namespace nae::http
