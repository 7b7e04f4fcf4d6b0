// For tests: a PostgreSQL of the test program's own, on a Unix socket. It ends with the program.
#pragma once

#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

namespace nae::store {

class TestPostgresql {
 public:
  static TestPostgresql& get() {
    static TestPostgresql server;
    return server;
  }

  std::string url(const std::string& database) const {
    return "postgresql:///" + database + "?user=postgres&host=" + directory_;
  }
  const std::string& directory() const { return directory_; }
  void run(const std::string& database, const std::string& sql) const {
    PGconn* connection = PQconnectdb(url(database).c_str());
    PGresult* done = PQexec(connection, sql.c_str());
    const ExecStatusType status = PQresultStatus(done);
    EXPECT_TRUE(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        << PQerrorMessage(connection) << ": " << sql;
    PQclear(done);
    PQfinish(connection);
  }
  // What it is refused for; "" when it is not.
  std::string refusal(const std::string& database, const std::string& sql) const {
    PGconn* connection = PQconnectdb(url(database).c_str());
    PGresult* done = PQexec(connection, sql.c_str());
    const std::string said = PQresultErrorMessage(done);
    PQclear(done);
    PQfinish(connection);
    return said;
  }

 private:
  // PostgreSQL refuses to run as root.
  TestPostgresql() {
    char name[] = "/tmp/nae-postgresql-XXXXXX";
    directory_ = ::mkdtemp(name);
    if (::geteuid() == 0) {
      const passwd* owner = ::getpwnam("postgres");
      EXPECT_NE(owner, nullptr);
      user_ = owner->pw_uid;
      group_ = owner->pw_gid;
      EXPECT_EQ(::chown(directory_.c_str(), user_, group_), 0);
    }
    const std::string bin = first_line("pg_config --bindir");
    const std::string data = directory_ + "/data";
    const pid_t made = start({bin + "/initdb", "-D", data, "-U", "postgres", "--auth=trust",
                              "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"});
    int status = -1;
    ::waitpid(made, &status, 0);
    EXPECT_EQ(status, 0) << "initdb";
    server_ = start({bin + "/postgres", "-D", data, "-k", directory_, "-c",
                     "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=50"});
    const std::string where = url("postgres");
    // Asked until it answers: there is nothing to wait on.
    for (int i = 0; i < 3'000 && PQping(where.c_str()) != PQPING_OK; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(PQping(where.c_str()), PQPING_OK) << "PostgreSQL did not start";
  }
  ~TestPostgresql() {
    ::kill(server_, SIGQUIT);
    ::waitpid(server_, nullptr, 0);
    std::filesystem::remove_all(directory_);
  }

  static std::string first_line(const char* command) {
    std::array<char, 256> line{};
    FILE* output = ::popen(command, "r");
    EXPECT_NE(std::fgets(line.data(), line.size(), output), nullptr) << command;
    ::pclose(output);
    std::string text = line.data();
    return text.substr(0, text.find('\n'));
  }

  pid_t start(const std::vector<std::string>& words) const {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (user_ != 0 && (::setgid(group_) != 0 || ::setuid(user_) != 0)) ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (std::freopen((directory_ + "/log").c_str(), "a", stdout) == nullptr ||
        ::dup2(::fileno(stdout), 2) < 0)
      ::_exit(126);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }

  std::string directory_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  pid_t server_ = -1;
};

}  // namespace nae::store
