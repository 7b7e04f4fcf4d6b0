#include "benchmarks/nae_client.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "benchmarks/measure.hpp"

namespace nae::benchmarks {
namespace {

constexpr std::uint32_t kContext = 1;

wire::OpenContext context_of_a_backend() {
  wire::OpenContext open;
  open.context = kContext;
  open.role.database = "benchmark";
  open.role.effective_role = open.role.session_role = open.role.login_role = "benchmark";
  open.role.application_name = "benchmark";
  return open;
}

}  // namespace

NaeClient::NaeClient(const std::string& socket_path)
    : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), session_("benchmark") {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path.c_str(), sizeof address.sun_path - 1);
  if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    give_up(socket_path + ": " + std::strerror(errno));
  session_.open_context(context_of_a_backend());
  write_all();
  while (!receive()) continue;
}

NaeClient::~NaeClient() {
  ::close(descriptor_);
}

void NaeClient::use(const Work& work) {
  work_ = &work;
  views_.assign(work.items.begin(), work.items.end());
}

void NaeClient::send() {
  wire::CryptoRequest request;
  request.header.context = kContext;
  request.header.action = work_->action;
  request.header.key = work_->key;
  request.items = views_;
  if (auto sent = session_.crypto(request); !sent) give_up(sent.error().message);
  write_all();
}

void NaeClient::write_all() {
  while (!session_.output().empty()) {
    ByteView output = session_.output();
    ssize_t size = ::send(descriptor_, output.data(), output.size(), MSG_NOSIGNAL);
    if (size <= 0) give_up("the agent left");
    session_.sent(static_cast<std::size_t>(size));
  }
}

bool NaeClient::receive() {
  ByteSpan space = session_.receive_space();
  ssize_t size = ::recv(descriptor_, space.data(), space.size(), 0);
  if (size <= 0) give_up("the agent left");
  session_.received(static_cast<std::size_t>(size));
  auto frame = session_.next_reply();
  if (!frame) give_up(frame.error().message);
  if (!*frame) return false;
  if (auto error = client::as_error(**frame)) give_up(error->error.message);
  if ((*frame)->header.type != wire::FrameType::crypto_reply) return true;
  auto reply = wire::parse_crypto_reply((*frame)->body);
  if (!reply || reply->items.count() != views_.size()) give_up("a reply that does not fit");
  if (reply->status(0) != 0) give_up("an item failed");
  if (keep_ == nullptr) return true;
  auto items = reply->items.cursor();
  for (std::uint32_t i = 0; i < reply->items.count(); ++i) {
    ByteView item = items.next();
    keep_->emplace_back(item.begin(), item.end());
  }
  return true;
}

std::vector<Bytes> NaeClient::call(const Work& work) {
  std::vector<Bytes> items;
  keep_ = &items;
  use(work);
  send();
  while (!receive()) continue;
  keep_ = nullptr;
  return items;
}

Channels connect_clients(const std::string& socket_path, std::size_t clients, const Work& work) {
  Channels channels;
  for (std::size_t i = 0; i < clients; ++i) {
    auto client = std::make_unique<NaeClient>(socket_path);
    client->use(work);
    channels.push_back(std::move(client));
  }
  return channels;
}

Work encrypt_work(const std::string& key, std::size_t count, std::size_t bytes) {
  Work work{Action::encrypt, key, {}};
  for (std::size_t i = 0; i < count; ++i) {
    Bytes item(bytes, static_cast<Byte>(i));
    work.items.push_back(std::move(item));
  }
  return work;
}

Work decrypt_work(const std::string& socket_path, const Work& encryption) {
  NaeClient client(socket_path);
  return {Action::decrypt, {}, client.call(encryption)};
}

}  // namespace nae::benchmarks
