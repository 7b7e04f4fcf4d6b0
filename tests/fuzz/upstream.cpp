// libFuzzer: what key servers may send to the agent (agent::Upstream and its broker), while two
// backends ask. Whatever comes, the agent says right frames alone to servers and backends, no
// backend is answered what it did not ask or twice, and no server is asked to sign what another may
// have signed.
#include "agent/upstream.hpp"

#include <set>

#include "libnae/client/session.hpp"
#include "tests/fuzz/agent_entry.hpp"
#include "tests/fuzz/pieces.hpp"
#include "tests/fuzz/told_server.hpp"

using namespace nae;
using namespace nae::fuzz;
using wire::FrameType;

namespace {

// What a byte of the input says beside its frames.
constexpr Byte kTwoServers = 1, kRawStream = 2, kGreeted = 4;

// Asks with each action and lookup, and again as long as it is answered.
class Backend {
 public:
  explicit Backend(std::string role) {
    wire::OpenContext open;
    open.context = 1;
    open.role.effective_role = role;
    opening_.insert(session_.open_context(open));
    open.context = 2;
    open.user_token = {'t', 'o', 'k', 'e', 'n'};
    opening_.insert(session_.open_context(open));
    ask(Action::encrypt, 1);
    ask(Action::sign, 2);
    look_up(wire::LookupSubject::keys);
  }
  // False: what the agent says is no answer any more.
  void turn(FarEnd& end) {
    end.say(session_.output());
    session_.sent(session_.output().size());
    end.frames([&](const wire::Frame& frame) {
      // By the session, as PostgreSQL's backends read it.
      Bytes again;
      const std::size_t at = wire::begin_frame(again, frame.header.type, frame.header.request_id);
      again.insert(again.end(), frame.body.begin(), frame.body.end());
      wire::finish_frame(again, at);
      ByteSpan space = session_.receive_space(again.size());
      std::ranges::copy(again, space.begin());
      session_.received(again.size());
      auto reply = session_.next_reply();
      require(reply.has_value());
      if (*reply) answered(**reply);
    });
    require(!end.ended());
  }
  std::size_t signatures_asked() const { return signatures_asked_; }

 private:
  static constexpr unsigned kMostRequests = 8;

  void ask(Action action, std::uint32_t context) {
    const ByteView item = as_bytes("value");
    wire::CryptoRequest request;
    request.header.context = context;
    request.header.action = action;
    request.header.key = "key";
    request.items = {&item, 1};
    asked_.insert(*session_.crypto(request));
    signatures_asked_ += action == Action::sign;
  }
  void look_up(wire::LookupSubject subject) { asked_.insert(session_.lookup({1, subject})); }
  void answered(const wire::Frame& frame) {
    const std::uint64_t id = frame.header.request_id;
    if (auto error = client::as_error(frame)) require(!row(error->error.code).name.empty());
    if (opening_.contains(id)) {
      require(frame.header.type == FrameType::context_opened);
      opening_.erase(id);
      return;
    }
    require(asked_.erase(id) == 1);
    require(frame.header.type == FrameType::crypto_reply || frame.header.type == FrameType::error ||
            frame.header.type == FrameType::lookup_reply);
    if (++again_ <= kMostRequests) again_ % 2 ? ask(Action::sign, 1) : ask(Action::decrypt, 2);
  }

  client::Session session_{"fuzz", kAgentLimits};
  std::set<std::uint64_t> opening_, asked_;
  std::size_t signatures_asked_ = 0;
  unsigned again_ = 0;
};

}  // namespace

void nae::fuzz::run(ByteView stream, std::size_t piece_bytes, Byte options) {
  const std::size_t servers = options & kTwoServers ? 2 : 1;
  AgentBetween between(2, servers);
  std::vector<ToldServer> told(servers, ToldServer(kAgentLimits));
  Backend backends[] = {Backend("alice"), Backend("bob")};
  const auto turn = [&] {
    for (int i = 0; i < 2; ++i) {  // what a backend asks on an answer goes out, too
      between.turn();
      for (std::size_t b = 0; b < 2; ++b) backends[b].turn(between.clients()[b]);
    }
    for (std::size_t s = 0; s < servers; ++s)
      between.servers()[s].frames([&](const wire::Frame& frame) { told[s].check(frame); });
  };
  turn();
  if (options & kGreeted) {
    Bytes reply;
    wire::append_hello_reply(reply, 0, {1, kAgentLimits, "fuzz", "store", 7, {}});
    for (FarEnd& server : between.servers()) server.say(reply);
    turn();
  }
  const auto errors = static_cast<std::size_t>(
      std::ranges::count_if(frames_in(stream), [](const LooseFrame& frame) {
        return (frame.type & ~kSecond) == static_cast<Byte>(FrameType::error);
      }));
  const auto say = [&](std::size_t server, ByteView bytes) {
    read_in_pieces(bytes, piece_bytes, [&](ByteView piece) {
      between.servers()[server].say(piece);
      turn();
      return !between.servers()[server].ended();
    });
  };
  if (options & kRawStream) {
    say(0, stream);
  } else {
    for (LooseFrame& frame : frames_in(stream)) {
      const std::size_t server = servers == 2 && frame.type & kSecond ? 1 : 0;
      frame.type &= static_cast<Byte>(~kSecond);
      say(server, stream_of({frame}));
    }
  }
  for (FarEnd& server : between.servers()) server.close();
  turn();
  // A signature is asked for once, unless a server has said that it did nothing.
  std::size_t asked = 0, sent = 0;
  for (const Backend& backend : backends) asked += backend.signatures_asked();
  for (const ToldServer& server : told) sent += server.signatures();
  require(sent <= asked + errors);
}
