// libFuzzer: what a device may send to the key server (nae1::NaeProtocol), in whatever order.
// Each request is answered once and as the protocol says, what was served is in the audit log, and
// what it encrypts it decrypts to the same.
#include <set>

#include "keyserver/protocols/nae1/admission.hpp"
#include "tests/fuzz/asker.hpp"
#include "tests/fuzz/frame_mutator.hpp"
#include "tests/fuzz/key_server_parts.hpp"
#include "tests/fuzz/pieces.hpp"
#include "tests/fuzz/secure_heap.hpp"

using namespace nae;
using namespace nae::fuzz;
using wire::FrameType;

namespace {

constexpr wire::Limits kLimits{64u << 10, 64};
// Ids of the requests that this side asks by itself.
constexpr std::uint64_t kBack = std::uint64_t{1} << 62;

// A socket whose peer has shown the certificate of a device.
class DeviceStream final : public net::Stream {
 public:
  explicit DeviceStream(int descriptor) : socket_(descriptor) {
    peer_.kind = net::PeerKind::device;
    peer_.name = "db1";
  }
  int descriptor() const override { return socket_.descriptor(); }
  net::Io handshake() override { return socket_.handshake(); }
  net::Io read_some(ByteSpan into) override { return socket_.read_some(into); }
  net::Io write_some(ByteView from) override { return socket_.write_some(from); }
  void shutdown() override { socket_.shutdown(); }
  bool may_hold_more() const override { return socket_.may_hold_more(); }
  const net::PeerIdentity& peer() const override { return peer_; }
  std::string_view protocol() const override { return "nae/1"; }

 private:
  net::UnixStream socket_;
  net::PeerIdentity peer_;
};

// A device's connection to the key server.
class Device {
 public:
  Device(boost::asio::io_context& loop, const nae1::Parts& parts)
      : loop_(loop), pair_(), end_(pair_.far) {
    connection_ = std::make_shared<net::Connection>(
        loop, std::make_unique<DeviceStream>(pair_.near), "192.0.2.1:5", net::ConnectionLimits{});
    connection_->start(
        [&](net::Connection& c) {
          auto protocol = nae1::protocol_for(parts)(c);
          require(protocol != nullptr);
          protocol_ = protocol.get();
          return protocol;
        },
        [this](net::Connection&, const Error&) { protocol_ = nullptr; });
  }
  ~Device() {
    end_.close();
    while (connection_->is_open()) loop_.run_one();
    settle(loop_);
  }
  FarEnd& end() { return end_; }
  // Until nothing waits for the HSM.
  void turn() {
    settle(loop_);
    while (protocol_ != nullptr && protocol_->busy()) loop_.run_one();
    settle(loop_);
    end_.hear();
  }

 private:
  boost::asio::io_context& loop_;
  Pair pair_;
  FarEnd end_;
  std::shared_ptr<net::Connection> connection_;
  net::Protocol* protocol_ = nullptr;
};

// Decrypts what was encrypted, where the input has said once what is to be encrypted under an id.
class ThereAndBack {
 public:
  void sent(const LooseFrame& frame) {
    if (frame.type != static_cast<Byte>(FrameType::crypto)) return;
    if (!bodies_.emplace(frame.request_id, frame.body).second) twice_.insert(frame.request_id);
  }
  // The frame that asks back, or nothing.
  Bytes heard(const wire::Frame& frame) {
    Bytes out;
    if (frame.header.type != FrameType::crypto_reply) return out;
    auto reply = wire::parse_crypto_reply(frame.body);
    if (frame.header.request_id >= kBack) {
      check_back(frame.header.request_id, *reply);
      return out;
    }
    const auto asked = bodies_.find(frame.header.request_id);
    if (asked == bodies_.end() || twice_.contains(frame.header.request_id)) return out;
    auto request = wire::parse_crypto(asked->second, kLimits);
    if (!request || request->header.action != Action::encrypt) return out;
    wire::CryptoRequest back;
    back.header.context = request->header.context;
    back.header.action = Action::decrypt;
    std::vector<ByteView> items = all(reply->items), aad = all(request->aad);
    for (std::uint32_t i = 0; i < reply->items.count(); ++i)
      if (reply->status(i) != static_cast<std::uint16_t>(wire::ItemResult::ciphertext) &&
          reply->status(i) != static_cast<std::uint16_t>(wire::ItemResult::value))
        return out;
    back.items = items;
    back.aad = aad;
    wire::append_crypto(out, kBack + frame.header.request_id, back);
    return out;
  }

 private:
  static std::vector<ByteView> all(const wire::ColumnView& column) {
    std::vector<ByteView> items;
    auto cursor = column.cursor();
    for (std::uint32_t i = 0; i < column.count(); ++i) items.push_back(cursor.next());
    return items;
  }
  void check_back(std::uint64_t id, const wire::CryptoReplyView& reply) const {
    auto request = wire::parse_crypto(bodies_.at(id - kBack), kLimits);
    const auto asked = all(request->items), got = all(reply.items);
    require(asked.size() == got.size());
    for (std::uint32_t i = 0; i < reply.items.count(); ++i)
      if (reply.status(i) == static_cast<std::uint16_t>(wire::ItemResult::value))
        require(std::ranges::equal(asked[i], got[i]));
  }
  std::map<std::uint64_t, Bytes> bodies_;
  std::set<std::uint64_t> twice_;
};

KeyServerParts& server() {
  static KeyServerParts only;
  return only;
}

void run(ByteView stream, std::size_t piece_bytes) {
  static boost::asio::io_context loop{1};
  static const auto work = boost::asio::make_work_guard(loop);
  const nae1::Parts& parts = server().parts();
  const std::uint64_t records = server().records();
  Asker asker(kLimits);
  ThereAndBack there_and_back;
  std::uint64_t served = 0;
  Device device(loop, parts);
  const auto turn = [&] {
    for (bool more = true; std::exchange(more, false);) {
      device.turn();
      asker.hear(device.end(), [&](const wire::Frame& frame) {
        served += frame.header.type == FrameType::crypto_reply ||
                  frame.header.type == FrameType::lookup_reply;
        const Bytes back = there_and_back.heard(frame);
        if (back.empty()) return;
        asker.note(FrameType::crypto, kBack + frame.header.request_id);
        device.end().say(back);
        more = true;
      });
    }
  };
  for (LooseFrame& frame : frames_in(stream)) {
    frame.request_id &= kBack - 1;
    asker.note(static_cast<FrameType>(frame.type), frame.request_id);
    there_and_back.sent(frame);
    read_in_pieces(stream_of({frame}), piece_bytes, [&](ByteView piece) {
      device.end().say(piece);
      turn();
      return !device.end().ended();
    });
  }
  asker.check_all_answered(device.end());
  require(server().records() - records >= served);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  take_secure_heap();
  spdlog::set_level(spdlog::level::off);
  server();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  // Small pieces of a long input would be thousands of turns.
  const std::size_t piece_bytes = std::max<std::size_t>(data[0], size / 16) + 1;
  run({data + 1, size - 1}, piece_bytes);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  return mutate_frames(data, size, max_size, seed);
}
