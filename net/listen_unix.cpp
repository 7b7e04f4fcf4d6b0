#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/accept_loop.hpp"
#include "net/descriptor.hpp"
#include "net/listener.hpp"
#include "net/unix_stream.hpp"

namespace nae::net {
namespace {

class UnixListener final : public Listener {
 public:
  UnixListener(std::shared_ptr<AcceptLoop> accepting, std::string path)
      : accepting_(std::move(accepting)), path_(std::move(path)) {
    if (::stat(path_.c_str(), &made_) != 0) made_ = {};
  }
  ~UnixListener() override {
    remove_file();
    accepting_->begin_stop(nullptr);
  }

  const std::string& address() const override { return path_; }
  std::uint16_t port() const override { return 0; }
  std::size_t connections() const override { return accepting_->connections(); }
  void replace_context(TlsContext) override {}
  void for_each(std::function<void(Connection&)> visit) override { accepting_->for_each(visit); }
  void begin_stop(std::function<void()> on_drained) override {
    remove_file();
    accepting_->begin_stop(std::move(on_drained));
  }
  void abort_all(Error reason) override { accepting_->abort_all(reason); }

 private:
  // Only the file that this listener made: a successor may have replaced it already.
  void remove_file() {
    struct stat now {};
    if (::stat(path_.c_str(), &now) == 0 && now.st_ino == made_.st_ino &&
        now.st_dev == made_.st_dev)
      ::unlink(path_.c_str());
  }

  std::shared_ptr<AcceptLoop> accepting_;
  std::string path_;
  struct stat made_ {};
};

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(Code::config_invalid, "socket path '" + path + "' is empty or longer than " +
                                          std::to_string(sizeof address.sun_path - 1) + " bytes");
  path.copy(address.sun_path, path.size());
  return address;
}

// A socket file that a crashed predecessor left behind answers nobody.
Result<void> remove_stale(const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(address.sun_path, &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode))
    return fail(Code::conflict, std::string(address.sun_path) + " exists and is not a socket");
  Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno != ECONNREFUSED)
    return fail(Code::conflict, "another process listens on " + std::string(address.sun_path));
  if (::unlink(address.sun_path) != 0)
    return fail(Code::file_failed, std::string(address.sun_path) + ": " + std::strerror(errno));
  return {};
}

Result<int> bind_unix(const UnixListenerOptions& options) {
  NAE_ASSIGN(sockaddr_un address, unix_address(options.path));
  NAE_TRY(remove_stale(address));
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  auto failed = [&](const char* doing) {
    return fail(Code::file_failed, options.path + ": " + doing + ": " + std::strerror(errno));
  };
  if (socket.get() < 0) return failed("socket");
  // Nobody may connect between bind and chmod.
  mode_t previous = ::umask(0177);
  int bound = ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::umask(previous);
  if (bound != 0) return failed("bind");
  if (::chmod(options.path.c_str(), options.mode) != 0) return failed("chmod");
  if (!enable_writer_credentials(socket.get())) return failed("SO_PASSCRED");
  if (::listen(socket.get(), SOMAXCONN) != 0) return failed("listen");
  return socket.release();
}

}  // namespace

Result<void> check_path(const UnixListenerOptions& options) {
  NAE_ASSIGN(const sockaddr_un address, unix_address(options.path));
  struct stat status {};
  if (::lstat(address.sun_path, &status) == 0 && !S_ISSOCK(status.st_mode))
    return fail(Code::conflict, options.path + " exists and is not a socket");
  return {};
}

Result<std::unique_ptr<Listener>> listen_unix(boost::asio::io_context& loop,
                                              ProtocolFactory protocol,
                                              const UnixListenerOptions& options) {
  NAE_ASSIGN(int descriptor, bind_unix(options));
  AcceptLoop::Settings settings;
  settings.max_connections = options.max_connections;
  settings.limits = options.limits;
  settings.places = options.places;
  settings.make_stream = [](int accepted) {
    return std::make_unique<UnixStream>(accepted, Writers::connected_process);
  };
  settings.choose_loop = [&loop]() -> boost::asio::io_context& { return loop; };
  settings.on_open = std::move(protocol);
  auto accepting = std::make_shared<AcceptLoop>(loop, descriptor, std::move(settings));
  accepting->start();
  return std::make_unique<UnixListener>(std::move(accepting), options.path);
}

}  // namespace nae::net
