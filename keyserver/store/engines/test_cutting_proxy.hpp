// For tests: stands between a key server and a PostgreSQL's Unix socket, and cuts the connection at
// a statement: before the server has it, or when it has answered and nobody was told.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <deque>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace nae::store {

class CuttingProxy {
 public:
  enum class Cut { never, before_commit, after_commit };

  explicit CuttingProxy(std::string server) : server_(std::move(server)) {
    char name[] = "/tmp/nae-proxy-XXXXXX";
    directory_ = ::mkdtemp(name);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const sockaddr_un address = address_in(directory_);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 8) != 0)
      std::abort();
    accepting_ = std::thread([this] { accept_all(); });
  }
  ~CuttingProxy() {
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    for (const int end : ends_) ::shutdown(end, SHUT_RDWR);
    for (std::thread& thread : forwarding_) thread.join();
    for (const int end : ends_) ::close(end);
    ::close(listener_);
    std::filesystem::remove_all(directory_);
  }
  const std::string& directory() const { return directory_; }
  // The next COMMIT of whichever connection, once.
  void cut(Cut when) { cut_at(std::string("COMMIT\0", 7), when); }
  // The next statement with `text`, once; what was asked for before comes first.
  void cut_at(std::string text, Cut when) {
    std::lock_guard lock(mutex_);
    cuts_.push_back({std::move(text), when});
  }
  // The next connections, as a server that is started again.
  void refuse(int connections) { refused_ = connections; }
  bool is_through() {
    std::lock_guard lock(mutex_);
    return cuts_.empty() && refused_ <= 0;
  }

 private:
  static sockaddr_un address_in(const std::string& directory) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = directory + "/.s.PGSQL.5432";
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
  }

  void accept_all() {
    while (true) {
      const int client = ::accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      if (refused_.fetch_sub(1) > 0) {
        ::close(client);
        continue;
      }
      const int server = ::socket(AF_UNIX, SOCK_STREAM, 0);
      const sockaddr_un address = address_in(server_);
      if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        std::abort();
      ends_.insert(ends_.end(), {client, server});
      forwarding_.emplace_back([this, client, server] { forward(client, server); });
    }
  }

  Cut cut_of(std::string_view said) {
    std::lock_guard lock(mutex_);
    if (cuts_.empty() || said.find(cuts_.front().text) == std::string_view::npos) return Cut::never;
    const Cut when = cuts_.front().when;
    cuts_.pop_front();
    return when;
  }

  void forward(int client, int server) {
    char bytes[1 << 16];
    bool silent = false;  // the answer to a COMMIT is not told
    while (true) {
      pollfd ends[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      if (::poll(ends, 2, -1) < 0) break;
      if (ends[0].revents != 0) {
        const ssize_t size = ::read(client, bytes, sizeof bytes);
        if (size <= 0) break;
        const Cut when = cut_of({bytes, static_cast<std::size_t>(size)});
        if (when == Cut::before_commit) break;
        silent = when == Cut::after_commit;
        if (::send(server, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL) != size) break;
      }
      if (ends[1].revents != 0) {
        const ssize_t size = ::read(server, bytes, sizeof bytes);
        if (size <= 0 || silent) break;
        if (::send(client, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL) != size) break;
      }
    }
    ::shutdown(client, SHUT_RDWR);
    ::shutdown(server, SHUT_RDWR);
  }

  const std::string server_;
  std::string directory_;
  int listener_ = -1;
  struct Asked {
    std::string text;
    Cut when;
  };
  std::mutex mutex_;
  std::deque<Asked> cuts_;  // under mutex_
  std::atomic<int> refused_ = 0;
  std::vector<int> ends_;  // of accepting_, until it has ended
  std::vector<std::thread> forwarding_;
  std::thread accepting_;
};

}  // namespace nae::store
