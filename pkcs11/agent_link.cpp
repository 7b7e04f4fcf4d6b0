#include "pkcs11/agent_link.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "libnae/base/version.hpp"
#include "libnae/wire/context.hpp"

namespace nae::pkcs11 {
namespace {

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

tl::unexpected<Error> lost(int error) {
  return fail(Code::connection_lost, std::string("connection to nae-agent lost: ") +
                                         (error == 0 ? "it closed it" : std::strerror(error)));
}

}  // namespace

AgentLink::AgentLink(int descriptor) : descriptor_(descriptor), session_(software("nae-pkcs11")) {}

AgentLink::~AgentLink() {
  ::close(descriptor_);
}

Result<std::unique_ptr<AgentLink>> AgentLink::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(Code::config_invalid, "the path of nae-agent's socket is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return fail(Code::agent_unavailable, std::strerror(errno));
  int rc;
  do {
    rc = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } while (rc != 0 && errno == EINTR);
  if (rc != 0) {
    const int error = errno;
    ::close(descriptor);
    return fail(would_block(error) ? Code::overloaded : Code::agent_unavailable,
                "cannot connect to nae-agent at " + path + ": " + std::strerror(error));
  }
  return std::unique_ptr<AgentLink>(new AgentLink(descriptor));
}

void AgentLink::act_for(const Bytes& user_token) {
  if (has_context_ && std::ranges::equal(user_token, user_token_)) return;
  wire::OpenContext open;  // no role: the agent says which Unix user this is
  open.context = kContext;
  open.role.application_name = "PKCS#11";
  open.user_token = user_token;
  session_.open_context(open);
  user_token_ = user_token;
  has_context_ = true;
}

bool AgentLink::is_for(const Bytes& user_token) const {
  return !has_context_ || std::ranges::equal(user_token, user_token_);
}

Result<void> AgentLink::write_some() {
  while (!session_.output().empty()) {
    const ByteView bytes = session_.output();
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      session_.sent(static_cast<std::size_t>(sent));
    } else if (would_block(errno)) {
      return {};
    } else if (errno != EINTR) {
      return lost(errno);
    }
  }
  return {};
}

Result<bool> AgentLink::read_some() {
  for (;;) {
    const ByteSpan space = session_.receive_space();
    const ssize_t got = ::recv(descriptor_, space.data(), space.size(), 0);
    if (got > 0) {
      session_.received(static_cast<std::size_t>(got));
      return true;
    }
    if (got == 0) return lost(0);
    if (would_block(errno)) return false;
    if (errno != EINTR) return lost(errno);
  }
}

Result<void> AgentLink::wait(short events, TimePoint deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return fail(Code::timeout, "nae-agent did not answer in time");
    pollfd watched{descriptor_, events, 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(std::min<long>(left.count(), 60'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return lost(errno);
  }
}

Result<wire::Frame> AgentLink::exchange(std::uint64_t id, TimePoint deadline) {
  broken_ = true;  // until it has come to its end
  bool is_writing = true;
  for (;;) {
    if (is_writing) {
      auto written = write_some();
      // A peer that takes no more may have said why.
      is_writing = written && !session_.output().empty();
    }
    for (;;) {
      NAE_ASSIGN(const auto frame, session_.next_reply());
      if (!frame) break;
      auto error = client::as_error(*frame);
      if (frame->header.request_id == id) {
        broken_ = false;
        if (error) return fail(std::move(error->error));
        return *frame;
      }
      // About the connection, or about the context that this request quotes.
      if (error) return fail(std::move(error->error));
    }
    if (!session_.output().empty() && !is_writing) is_writing = true;  // a pong
    NAE_ASSIGN(const bool got, read_some());
    if (!got) {
      const short events = is_writing ? POLLIN | POLLOUT : POLLIN;
      NAE_TRY(wait(events, deadline));
    }
  }
}

void AgentLink::drain() {
  for (;;) {
    auto frame = session_.next_reply();
    auto got = frame ? read_some() : Result<bool>(false);
    // Nothing was asked: what is no news is the end.
    if (!frame || *frame || !got) {
      broken_ = true;
      return;
    }
    if (!*got) return;
  }
}

}  // namespace nae::pkcs11
