#include "agent/doctor.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstring>
#include <vector>

#include "agent/config.hpp"
#include "agent/own_certificate.hpp"
#include "agent/renewal_time.hpp"
#include "agent/upstream.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/version.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/doctor/host_checks.hpp"

namespace nae::agent {
namespace {

using doctor::Finding;
using doctor::Report;

constexpr std::size_t kMaxExecutableBytes = 1u << 30;

// connect(2) wants the right to write.
bool may_connect(const struct stat& socket, uid_t uid) {
  if (uid == 0 || (socket.st_mode & S_IWOTH) != 0) return true;
  if (socket.st_uid == uid) return (socket.st_mode & S_IWUSR) != 0;
  const passwd* user = ::getpwuid(uid);
  if (user == nullptr || (socket.st_mode & S_IWGRP) == 0) return false;
  std::vector<gid_t> groups(256);
  int count = static_cast<int>(groups.size());
  if (::getgrouplist(user->pw_name, user->pw_gid, groups.data(), &count) < 0) return false;
  return std::find(groups.begin(), groups.begin() + count, socket.st_gid) != groups.begin() + count;
}

bool somebody_listens(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::copy(path.begin(), path.end(), address.sun_path);
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  const bool connected =
      ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  // Whoever runs the doctor may not be allowed to; the rights are judged apart.
  const bool forbidden = !connected && (errno == EACCES || errno == EPERM);
  ::close(descriptor);
  return connected || forbidden;
}

void check_socket(Report& report, const Config& config) {
  const std::string path = config.socket.string(), subject = "socket " + path;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return report.found(Finding::socket_missing, subject, std::strerror(errno));
  if (!S_ISSOCK(status.st_mode) || !somebody_listens(path))
    return report.found(Finding::socket_missing, subject, "nobody answers on it");
  report.good(subject, "somebody listens");
  if ((status.st_mode & S_IWOTH) != 0) report.found(Finding::socket_open_to_all, subject);
  const group* owner = ::getgrgid(status.st_gid);
  const std::string name = owner ? owner->gr_name : std::to_string(status.st_gid);
  for (const Program& program : config.programs) {
    const std::string detail =
        "user " + std::to_string(program.uid) + ", the socket's group is " + name;
    if (may_connect(status, program.uid))
      report.good(subject + " for program " + program.name, detail);
    else
      report.found(Finding::socket_closed_to_program, subject + " for program " + program.name,
                   detail);
  }
}

// One that renews itself may be a short-lived one: it is late when it should be renewed by now.
void check_own_certificate(Report& report, const Config& config) {
  const net::TlsFiles files = present_files(config.tls, config.renewal.file);
  auto own = own_certificate(files);
  if (!config.renewal.enabled || !own) return doctor::check_certificate(report, files.certificate);
  const std::string subject = "certificate " + files.certificate + " of " + own->common_name;
  const std::int64_t now_s = unix_time_us() / 1'000'000;
  const std::string until = "until " + doctor::day_of(own->not_after_s);
  if (now_s >= own->not_after_s)
    report.found(Finding::certificate_ended, subject, until);
  else if (now_s >= renewal_late_s({own->not_before_s, own->not_after_s}))
    report.found(Finding::certificate_not_renewed, subject,
                 until + ", to be renewed in " + config.renewal.file.string());
  else
    report.good(subject, until + ", and the agent renews it before");
}

void check_program(Report& report, const Program& program) {
  const std::string subject = "program " + program.name + " " + program.executable.string();
  if (::access(program.executable.c_str(), F_OK) != 0)
    return report.found(Finding::program_missing, subject, std::strerror(errno));
  if (program.sha256.empty()) return report.good(subject, "its sha256 is not compared");
  auto content = read_file(program.executable, kMaxExecutableBytes);
  if (!content) return report.found(Finding::program_missing, subject, content.error().message);
  const crypto::Sha256Digest digest = crypto::sha256(as_bytes(*content));
  const bool known =
      std::any_of(program.sha256.begin(), program.sha256.end(), [&](const Bytes& wanted) {
        return std::equal(wanted.begin(), wanted.end(), digest.begin(), digest.end());
      });
  if (known)
    report.good(subject, "its sha256 is as configured");
  else
    report.found(Finding::program_changed, subject);
}

// One connection to one server, until it has named itself or failed.
class Visit final : public UpstreamEvents {
 public:
  explicit Visit(boost::asio::io_context& loop) : loop_(loop) {}
  Result<void> upstream_greeted(Upstream&, const wire::HelloReply& reply) override {
    software_ = reply.software;
    return {};
  }
  void upstream_ready(Upstream&) override { loop_.stop(); }
  void upstream_lost(Upstream&, const Error& reason) override {
    problem_ = reason.message;
    loop_.stop();
  }
  void upstream_replied(Upstream&, const wire::Frame&, ByteView) override {}
  void upstream_epoch(std::uint64_t) override {}
  void upstream_state(Upstream&, const wire::StateDigest&) override {}
  void upstream_nodes(Upstream&, const wire::NodeList&) override {}

  const std::string& software() const { return software_; }
  const std::string& problem() const { return problem_; }

 private:
  boost::asio::io_context& loop_;
  std::string software_, problem_ = "it does not answer in time";
};

void check_server(Report& report, const UpstreamSettings& settings) {
  boost::asio::io_context loop(1);
  Visit visit(loop);
  const std::string subject = "key server " + net::to_string(settings.endpoint);
  {
    Upstream upstream(loop, settings, visit);
    upstream.start();
    loop.run_for(settings.connect_timeout);
  }
  if (visit.software().empty())
    return report.found(Finding::server_unreachable, subject, visit.problem());
  if (visit.software() != software("nae-keyserver"))
    return report.found(Finding::version_differs, subject,
                        visit.software() + ", and this is " + software("nae-agent"));
  report.good(subject, visit.software());
}

void check_servers(Report& report, const Config& config, const std::string& configuration) {
  auto tls = net::TlsContext::client(present_files(config.tls, config.renewal.file));
  if (!tls) return report.found(Finding::configuration_refused, configuration, tls.error().message);
  for (const net::Endpoint& server : config.servers)
    check_server(report, {server, *tls, config.limits.wire, config.limits.connect_timeout});
}

}  // namespace

Report examine(const std::filesystem::path& configuration, const std::string& socket) {
  Report report;
  doctor::check_configuration_file(report, configuration);
  const std::string subject = "configuration " + configuration.string();
  auto config = load_config(configuration);
  if (!config) {
    report.found(Finding::configuration_refused, subject, config.error().message);
    return report;
  }
  report.good(subject, "good");
  if (!socket.empty()) config->socket = socket;
  check_own_certificate(report, *config);
  doctor::check_certificate(report, config->tls.authority);
  doctor::check_secret(report, config->tls.key);
  doctor::check_descriptors(report, config->limits.max_clients + own_descriptors(*config));
  for (const Program& program : config->programs) check_program(report, program);
  check_socket(report, *config);
  check_servers(report, *config, subject);
  return report;
}

}  // namespace nae::agent
