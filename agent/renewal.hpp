// Renewal: keeps this host's certificate good. At two thirds of its life the agent asks a key
// server for the next one, for the same key, and goes on asking until it has it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "agent/config.hpp"
#include "agent/statistics.hpp"
#include "libnae/crypto/certificate.hpp"
#include "net/connector.hpp"

namespace nae::agent {

// Lives on `loop`.
class Renewal {
 public:
  // `renewed` runs after each certificate that was written.
  Renewal(boost::asio::io_context& loop, AgentCounters& counters, std::function<void()> renewed);
  ~Renewal() { stop(); }

  // At the start and after each change: looks at once, and asks at once when it is time, also when
  // an earlier failure would have it wait.
  void use(const Config& config);
  void stop();

 private:
  void look();
  void look_later(std::chrono::seconds wait);
  Result<void> begin(const crypto::CertificateInfo& present);
  void ask_next();
  Result<crypto::CertificateInfo> take(const std::string& certificate_pem) const;
  void answered(const net::Endpoint& server, const Result<std::string>& certificate_pem);
  void failed(const Error& reason);
  double chance();

  boost::asio::io_context& loop_;
  AgentCounters& counters_;
  std::function<void()> renewed_;
  boost::asio::steady_timer timer_;
  std::minstd_rand random_{std::random_device{}()};
  const double share_;  // of this process: when it asks

  net::TlsFiles files_;
  std::filesystem::path target_;
  std::vector<net::Endpoint> servers_;
  std::chrono::milliseconds timeout_{};
  unsigned failures_ = 0;  // in a row

  // Of the attempt under way.
  std::shared_ptr<net::ConnectAttempt> attempt_;
  crypto::CertificateInfo present_;
  std::string request_;
  std::size_t asked_ = 0;  // servers
};

}  // namespace nae::agent
