// For tests: an agent whose answers a test decides. Socket and frames are real.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "libnae/wire/context.hpp"
#include "libnae/wire/crypto_message.hpp"
#include "libnae/wire/error_message.hpp"
#include "libnae/wire/frame.hpp"
#include "libnae/wire/hello.hpp"
#include "libnae/wire/lookup.hpp"

namespace nae::pkcs11::testing {

class ScriptedAgent {
 public:
  // What a request is answered with. lose: the agent's word that a key server was lost, on a
  // connection that goes on; drop: the connection ends; hold: nothing, until the script says
  // another.
  enum class Act { answer, lose, drop, hold, reject_user };
  using Script = std::function<Act(std::string_view user_token)>;

  explicit ScriptedAgent(Script script) : script_(std::move(script)) {
    char folder[] = "/tmp/nae-scripted-XXXXXX";
    folder_ = ::mkdtemp(folder);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path().c_str(), sizeof address.sun_path - 1);
    listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listening_, 32), 0);
    thread_ = std::thread([this] { run(); });
  }
  ~ScriptedAgent() {
    stopping_ = true;
    thread_.join();
    for (auto& [descriptor, peer] : peers_) ::close(descriptor);
    ::close(listening_);
    std::filesystem::remove_all(folder_);
  }

  std::string path() const { return folder_ + "/agent.sock"; }
  std::atomic<int> requests = 0;  // crypto and lookups
  std::atomic<int> connections = 0;

 private:
  struct Peer {
    wire::FrameAssembler assembler{1u << 20};
    std::string user_token;
    std::optional<std::pair<wire::FrameType, std::uint64_t>> held;
  };

  void run() {
    while (!stopping_) {
      std::vector<pollfd> watched{{listening_, POLLIN, 0}};
      for (const auto& [descriptor, peer] : peers_) watched.push_back({descriptor, POLLIN, 0});
      ::poll(watched.data(), watched.size(), 10);
      answer_held();
      for (const pollfd& ready : watched) {
        if (ready.revents == 0) continue;
        if (ready.fd == listening_)
          accept();
        else if (!serve(ready.fd))
          end(ready.fd);
      }
    }
  }
  void accept() {
    const int descriptor = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    peers_[descriptor];
    ++connections;
  }
  void end(int descriptor) {
    ::close(descriptor);
    peers_.erase(descriptor);
    --connections;
  }
  bool serve(int descriptor) {
    Peer& peer = peers_.at(descriptor);
    const ByteSpan space = peer.assembler.prepare(64 << 10);
    const ssize_t got = ::recv(descriptor, space.data(), space.size(), 0);
    if (got <= 0) return false;
    peer.assembler.commit(static_cast<std::size_t>(got));
    Bytes out;
    for (;;) {
      auto frame = peer.assembler.next();
      if (!frame || (*frame && !handle(peer, **frame, out))) return false;
      if (!*frame) break;
    }
    return out.empty() || ::send(descriptor, out.data(), out.size(), MSG_NOSIGNAL) >= 0;
  }
  bool handle(Peer& peer, const wire::Frame& frame, Bytes& out) {
    const std::uint64_t id = frame.header.request_id;
    switch (frame.header.type) {
      case wire::FrameType::hello: {
        auto reply = wire::agree(*wire::parse_hello(frame.body), {});
        reply->epoch = 1;
        wire::append_hello_reply(out, id, *reply);
        return true;
      }
      case wire::FrameType::open_context: {
        const auto open = wire::parse_open_context(frame.body);
        peer.user_token = as_text(open->user_token);
        wire::append_context_opened(out, id, open->context);
        return true;
      }
      case wire::FrameType::crypto:
      case wire::FrameType::lookup:
        ++requests;
        return answer(peer, frame.header.type, id, out);
      default:
        return false;
    }
  }
  void answer_held() {
    for (auto& [descriptor, peer] : peers_) {
      if (!peer.held) continue;
      const auto [type, id] = *std::exchange(peer.held, std::nullopt);
      Bytes out;
      answer(peer, type, id, out);
      if (!out.empty()) ::send(descriptor, out.data(), out.size(), MSG_NOSIGNAL);
    }
  }
  bool answer(Peer& peer, wire::FrameType type, std::uint64_t id, Bytes& out) {
    switch (script_(peer.user_token)) {
      case Act::lose:
        wire::append_error(out, id, {Error(Code::connection_lost, "the key server's"), 0});
        return true;
      case Act::reject_user:
        wire::append_error(out, id, {Error(Code::user_token_rejected, "by the script"), 0});
        return true;
      case Act::drop:
        return false;
      case Act::hold:
        peer.held.emplace(type, id);
        return true;
      case Act::answer:
        break;
    }
    if (type == wire::FrameType::lookup) {
      wire::append_lookup_reply(out, id, {{"name"}, {}});
      return true;
    }
    wire::CryptoReplyWriter writer(out, id, 1, 1);
    writer.begin_item(1)[0] = 1;
    writer.finish_item(wire::ItemResult::value, 1);
    writer.finish();
    return true;
  }

  Script script_;
  std::string folder_;
  int listening_ = -1;
  std::map<int, Peer> peers_;  // by descriptor; of the thread alone
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace nae::pkcs11::testing
